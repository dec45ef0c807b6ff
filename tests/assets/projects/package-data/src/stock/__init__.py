from importlib.resources import files

value = files(__name__).joinpath("data/levels.json").read_text().strip()


def main() -> None:
    print(value)
