#!/bin/sh
# Makes the fonts of the report anew, from the released Noto fonts. Run it in an empty folder:
#     sh make.sh /path/to/output
# Needs npm (to fetch the two packages), and a `python3` (3.11) with fonttools 4.68 whose `pyftsubset` is on the PATH.
# The output is the same byte for byte for the same versions; SHA256SUMS beside this script holds the sums.
set -eu
out=${1:?where to}
npm pack --silent @expo-google-fonts/noto-serif-sc@0.4.3 @expo-google-fonts/noto-sans-sc@0.4.3
for face in serif sans; do
    mkdir -p "$face"
    tar -xzf "expo-google-fonts-noto-$face-sc-0.4.3.tgz" -C "$face"
done

# Which characters each font keeps. Headings are made of GB 2312's first level (3,755), ordinary text of
# all of it (6,763); GBK and what the fonts have beyond the first plane are there so that no name is left out.
python3 - <<'PYTHON'
from pathlib import Path

common = [*range(0x20, 0x2E80), *range(0x2E80, 0x3400), *range(0xFE10, 0xFE70), *range(0xFF00, 0xFFF0)]
han = range(0x3400, 0xA000)
level_1 = [code for code in han if 0xB0 <= (chr(code).encode("gb2312", "ignore") or b"\0")[0] <= 0xD7]
level_2 = [code for code in han if chr(code).encode("gb2312", "ignore")]
gbk = [code for code in han if chr(code).encode("gbk", "ignore")]
beyond = range(0x20000, 0x323B0)
# What the Table of General Standard Chinese Characters has from extension A.
rare = [
    ord(char)
    for char in "㑇㑊㕮㘎㙍㙘㙦㛃㛚㛹㟃㠇㠓㤘㥄㧐㧑㧟㫰㬊㬎㬚㭎㭕㮾㰀㳇㳘㳚㴔㵐㶲㸆㸌㺄㻬㽏㿠䁖䂮䃅䃎䅟䌹䎃䎖䏝䏡䏲䐃"
    "䓖䓛䓨䓫䓬䗖䗛䗪䗴䜣䝙䢺䢼䣘䥽䦃䲟䲠䲢䴓䴔䴕䴖䴗䴘䴙䶮"
]
for name, codes in {"headings": level_1, "text": level_2, "names": [*gbk, *rare, *beyond]}.items():
    Path(f"{name}.txt").write_text("\n".join(f"{code:04X}" for code in [*common, *codes]), encoding="ascii")
PYTHON

subset() { # source, characters, output
    pyftsubset "$1" --unicodes-file="$2" --output-file="$out/$3" --no-hinting --desubroutinize \
        --layout-features=ccmp,kern,liga,locl,mark,mkmk,halt,pwid --name-IDs='0,1,2,3,4,5,6,13,14,16,17' \
        --drop-tables+=vhea,vmtx,STAT,BASE --no-recalc-timestamp
}
subset serif/package/400Regular/NotoSerifSC_400Regular.ttf names.txt NotoSerifSC-Regular.ttf
subset serif/package/600SemiBold/NotoSerifSC_600SemiBold.ttf headings.txt NotoSerifSC-SemiBold.ttf
subset sans/package/400Regular/NotoSansSC_400Regular.ttf text.txt NotoSansSC-Regular.ttf
cp serif/package/LICENSE_FONT "$out/OFL-NotoSerifSC.txt"
cp sans/package/LICENSE_FONT "$out/OFL-NotoSansSC.txt"
cd "$out"
sha256sum -- *.ttf > SHA256SUMS

# The program must know what it can print: the characters of the widest font, as ranges.
python3 - <<'PYTHON'
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont

codes = sorted(TTFont("NotoSerifSC-Regular.ttf").getBestCmap())
runs = [[code for _, code in run] for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])]
Path("covered.txt").write_text("".join(f"{run[0]:X} {run[-1]:X}\n" for run in runs), encoding="ascii")
PYTHON
