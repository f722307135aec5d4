"""`python -m drcli` runs `dr`."""

from drcli.cli import main

if __name__ == "__main__":
    main(prog_name="dr")
