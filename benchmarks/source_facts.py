"""Facts of the source that say how well it holds together; tests/test_architecture.py holds some of them to zero.

`python benchmarks/source_facts.py` prints those of this checkout, or of another one that is named.
"""

import argparse
import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PACKAGES = ("keras_seqkit", "export/seqkit_onnx")
MODEL_CLASSES = {
    "CBOW",
    "Seq2SeqTranslator",
    "SkipGram",
    "TextClassifier",
    "TextEncoderModel",
    "TextGenerator",
    "TextModel",
    "TextRegressor",
    "WordVectorModel",
}
FILE_CLASSES = {"Classifier", "Generator", "MultiLabelClassifier", "Network", "StepGenerator", "Translator"}
FAMILIES = ("classification", "generation", "translation", "word_vectors")
POSITIONAL = 3  # a function takes no more arguments by position


def sources(root: Path, package: str) -> Iterator[Path]:
    """Yields the files of a package."""
    yield from sorted((root / package).rglob("*.py"))


def code_lines(path: Path) -> int:
    """Counts the lines that hold code: no comments, docstrings or blank lines."""
    text = path.read_text("utf-8")
    strings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = {line for each in tokens if each.type not in silent for line in range(each.start[0], each.end[0] + 1)}
    return len(found - strings)


def class_checks(root: Path) -> list[str]:
    """Lists the `isinstance` checks on classes of models and of files, outside `kinds/`."""
    found = []
    for path in sources(root, "export/seqkit_onnx"):
        if "kinds" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                names = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
                if names & (MODEL_CLASSES | FILE_CLASSES):
                    found.append(f"{path.relative_to(root)}:{node.lineno}")
    return found


def imports_between_families(root: Path) -> list[str]:
    """Lists the files of one family of models that import another family."""
    found = []
    for family in FAMILIES:
        for path in sources(root, f"keras_seqkit/models/{family}"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.ImportFrom):
                    continue
                others = [each for each in FAMILIES if each != family]
                if any((node.module or "").startswith(f"keras_seqkit.models.{each}") for each in others):
                    found.append(f"{path.relative_to(root)}:{node.lineno}")
    return found


def long_signatures(root: Path) -> list[str]:
    """Lists the functions that take more than three arguments by position, `self` not counted.

    Those whose order is Keras's (``fit``, ``call`` and the like) or a name's that Keras calls are left out by
    `KERAS_ORDER`.
    """
    found = []
    for package in PACKAGES:
        for path in sources(root, package):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name not in KERAS_ORDER:
                    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
                    own = [name for name in names if name not in ("self", "cls")]
                    if len(own) > POSITIONAL:
                        found.append(f"{path.relative_to(root)}:{node.lineno} {node.name}")
    return found


KERAS_ORDER = {"fit", "evaluate", "predict", "compile", "compute_loss", "train_on_batch", "test_on_batch", "__init__"}


def any_annotations(root: Path) -> int:
    """Counts the uses of `Any` in annotations and types."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for package in PACKAGES
        for path in sources(root, package)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Facts of the source.")
    parser.add_argument("checkout", type=Path, nargs="?", default=HERE)
    root = parser.parse_args().checkout.resolve()
    for package in PACKAGES:
        paths = list(sources(root, package))
        whole = sum(len(path.read_text("utf-8").splitlines()) for path in paths)
        print(f"{package}: {len(paths)} files, {whole:,} lines, {sum(map(code_lines, paths)):,} of them code")
    for title, found in (
        ("isinstance checks on classes of models and files outside kinds/", class_checks(root)),
        ("imports of one family of models by another", imports_between_families(root)),
        (f"functions that take more than {POSITIONAL} arguments by position", long_signatures(root)),
    ):
        print(f"{title}: {len(found)}")
        for each in found:
            print(f"    {each}")
    print(f"uses of Any: {any_annotations(root)}")


if __name__ == "__main__":
    main()
