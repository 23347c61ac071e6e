#!/usr/bin/env python3
"""Asks the real ipset what it answers to the commands of cases.txt (root; each block in a network namespace of its own). Writes answers.json."""
import ctypes
import json
import os
import shlex
import subprocess
import sys

CLONE_NEWNET = 0x40000000


def answer(line):
    given, _, text = line.partition(" <<< ")
    command = shlex.split(given)
    text = text.replace("\\n", "\n")
    done = subprocess.run(["ipset", *command], input=text, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    return {"command": command, "input": text, "out": done.stdout, "err": done.stderr, "status": done.returncode}


def block(lines):
    read, write = os.pipe()
    if os.fork() == 0:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
        with os.fdopen(write, "w") as out:
            json.dump([answer(line) for line in lines], out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as back:
        answers = json.load(back)
    os.wait()
    return answers


def main():
    folder = os.path.dirname(os.path.abspath(sys.argv[0]))
    with open(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/cases.txt") as cases:
        blocks = [[line for line in part.splitlines() if line and not line.startswith("#")] for part in cases.read().split("\n\n")]
    recorded = [block(lines) for lines in blocks if lines]
    with open(sys.argv[2] if len(sys.argv) > 2 else f"{folder}/answers.json", "w") as out:
        out.write("[\n" + ",\n".join(" [\n" + ",\n".join("  " + json.dumps(one) for one in lines) + "\n ]" for lines in recorded) + "\n]\n")
    print(sum(len(lines) for lines in recorded), "answers")


main()
