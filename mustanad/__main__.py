"""``python -m mustanad``."""

from mustanad.cli import main

if __name__ == "__main__":
    main()
