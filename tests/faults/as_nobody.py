"""The command line as another user, who may read the code but not the data folder.

The modules are loaded first: this machine may keep its Python where that user cannot read it.
"""

import os

from scriptrun_box.cli import main
from scriptrun_box.verbs import serving

NOBODY = 65534

if __name__ == "__main__":
    assert serving
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    main()
