"""Runs `seqkit_onnx.cli.command_line` as `python -m seqkit_onnx`."""

import sys

from seqkit_onnx.cli.command_line import main

if __name__ == "__main__":
    sys.exit(main())
