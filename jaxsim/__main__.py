"""``python -m jaxsim``: the command line."""

from jaxsim.cli import program

if __name__ == "__main__":
    program()
