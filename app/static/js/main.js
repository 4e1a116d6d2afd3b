// Starts every module. Each looks for its own data attributes inside `root`, so a swapped fragment is started the same way.
import { startBatch } from "./batch.js";
import { startCharts } from "./charts.js";
import { startCombos } from "./combo.js";
import { startConfirm } from "./confirm.js";
import { startCopy } from "./copy.js";
import { startFilters } from "./filters.js";
import { startForms } from "./forms.js";
import { startLive } from "./live.js";
import { startPictures } from "./picture.js";
import { startRepeats } from "./repeat.js";
import { startShell } from "./shell.js";
import { startTimes } from "./times.js";
import { startToasts } from "./toast.js";

startToasts();
startShell();
startConfirm();
startCopy();
startForms();
startFilters();
startBatch();

export function refresh(root) {
  startTimes(root);
  startCharts(root);
  startCombos(root);
  startRepeats(root);
  startPictures(root);
}

refresh(document);
startLive(refresh);
