"""Where the browser is."""

import shutil

CHROMIUM = shutil.which("chromium")
NO_CHROMIUM = "there is no chromium on PATH; on Debian: apt-get install chromium"
