"""`python -m python_helpers` is the `lifecycle` command."""

from python_helpers.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m python_helpers")
