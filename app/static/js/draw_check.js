// Shows the check of a draw: a bar, each step with its tick, and what came of it. `words` are what it says around that:
// loading, checking, right, so_far, wrong, unreadable. `load` gives the record. Resolves to what the verifier found.
import { verify } from "./draw_verifier.js";

const SIGNS = { ok: "✓", later: "…", unchecked: "!", wrong: "✗" };

function add(parent, tag, name, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  parent.append(element);
  return element;
}

function line(list, state, text) {
  const item = add(list, "li", `check-step check-${state}`);
  add(item, "span", "check-sign", SIGNS[state]).setAttribute("aria-hidden", "true");
  add(item, "span", "check-text", text);
}

export async function showCheck(box, load, { words, language, genuine }) {
  box.replaceChildren();
  box.hidden = false;
  const end = add(box, "p", "check-end", words.loading);
  end.setAttribute("role", "status");
  const bar = add(box, "progress", "check-bar");
  const list = add(box, "ol", "check-steps");
  let record;
  try {
    record = await load();
  } catch {
    bar.remove();
    end.classList.add("check-wrong");
    end.textContent = words.unreadable;
    return null;
  }
  end.textContent = words.checking;
  bar.max = 1;
  bar.value = 0;
  const found = await verify(record, {
    language,
    genuine,
    onStep: (step) => line(list, step.state, step.text),
    onProgress: (share) => { bar.value = share; },
  });
  bar.remove();
  if (found.mismatch) line(list, "wrong", `${found.mismatch.text} [${found.mismatch.code}]`);
  const whole = found.steps.every((step) => step.state !== "later");
  end.classList.add(found.ok ? "check-ok" : "check-wrong");
  end.textContent = found.ok ? (whole ? words.right : words.so_far) : words.wrong;
  return found;
}
