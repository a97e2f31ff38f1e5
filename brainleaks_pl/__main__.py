"""``python -m brainleaks_pl``: the command line, with the working directory on the import path."""

from brainleaks_pl.cli.main import main

if __name__ == "__main__":
    main()
