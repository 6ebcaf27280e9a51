"""`python -m scriptrun_box`: the same as the command scriptrun-box."""

from scriptrun_box.cli import main

main()
