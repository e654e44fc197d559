"""python -m cowalk: the same as the command `cowalk`."""

from cowalk.cli import main

if __name__ == "__main__":
    main()
