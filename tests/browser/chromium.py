"""Where the browser is.

Debian's chromium without its windows takes half the processor of the whole one, which draws its own
toolbars for nobody.
"""

import shutil

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
NO_CHROMIUM = "there is no chromium on PATH; on Debian: apt-get install chromium-headless-shell"
