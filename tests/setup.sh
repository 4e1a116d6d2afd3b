#!/usr/bin/env bash
# Browser tests use Debian's chromium: installed here when root and missing; otherwise they are skipped with a reason.
set -euo pipefail
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing chromium for the browser tests ..."
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk) >/dev/null 2>&1 ||
    echo "chromium could not be installed; browser tests will be skipped"
fi
