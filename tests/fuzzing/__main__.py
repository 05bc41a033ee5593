"""`make fuzz`: atheris on one target. It writes an input that fails beside the corpus and ends with its traceback."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

from tests.support.compiled_statements import share_compiled_statements
from tests.support.memory import keep_files_in_memory

PARSERS = ["shared.wire", "shared.operations.carry_files", "shared.certificates"]

with atheris.instrument_imports(include=PARSERS, enable_loader_override=False):
    from tests.fuzzing.samples import SAMPLES
    from tests.fuzzing.targets import TARGETS, try_target


def main() -> None:
    """Never returns: libFuzzer ends the process, with 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--runs", type=int, default=-1, help="how many inputs; no end by default")
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, which is printed")
    parser.add_argument("--folder", type=Path, required=True, help="where the corpus grows and failing inputs go")
    options = parser.parse_args()
    keep_files_in_memory()
    share_compiled_statements()
    corpus = options.folder / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(SAMPLES[options.target]()):
        (corpus / f"sample{number}").write_bytes(sample)
    arguments = [
        sys.argv[0],
        f"-runs={options.runs}",
        f"-seed={options.seed}",
        f"-artifact_prefix={options.folder}/{options.target}-",
        "-max_len=4096",
        "-rss_limit_mb=2048",
        "-timeout=20",
        str(corpus),
    ]
    atheris.Setup(arguments, lambda data: try_target(options.target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
