"""The client's memory: state, buffers and the deepest stack stay below 8 KB, and nothing is allocated. Measured, not counted by hand."""
import collections
import pathlib
import re
import subprocess
import tempfile
import unittest

from elf import Object

HERE = pathlib.Path(__file__).resolve().parent
C = HERE.parent
SOURCES = sorted((C / "gohub").glob("*.c"))
MOST = 8 * 1024
ARM = ["--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-ffreestanding", "-isystem", str(HERE / "freestanding")]


def compiled(folder, *compiler):
    """The object files of the library and of memory.c."""
    objects = {}
    for source in [*SOURCES, HERE / "memory.c"]:
        objects[source.stem] = pathlib.Path(folder) / f"{source.stem}.o"
        subprocess.run([*compiler, "-std=c99", f"-I{C}", "-c", source, "-o", objects[source.stem]], check=True, cwd=folder)
    return objects


def sizes(objects):
    return {name.removeprefix("size_of_"): size for name, size in Object(objects["memory"]).symbols().items() if name.startswith("size_of_")}


def deepest(folder):
    """The deepest stack below each public function, by gcc's own call graph; the application's callbacks come on top."""
    own, calls = {}, collections.defaultdict(set)
    for graph in pathlib.Path(folder).glob("*.ci"):
        text = graph.read_text()
        for title, label in re.findall(r'node: { title: "([^"]+)" label: "([^"]*)"', text):
            used = re.search(r"(\d+) bytes \((static|dynamic|dynamic,bounded)\)", label)
            if used:
                assert used[2] != "dynamic", f"{title} uses a stack that the hub decides about"
                own[title] = int(used[1])
        for source, target in re.findall(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            calls[source].add(target)

    def depth(function, path):
        assert function not in path, f"recursion: {function}"
        return own.get(function, 0) + max((depth(each, {*path, function}) for each in calls[function]), default=0)

    return {name: depth(name, set()) for name in own if name.startswith("gohub_client_")}


def stated():
    """The figures of the README's table, by row: x86-64 and Cortex-M4, None where none is measured."""
    rows = re.findall(r"^\| ([a-z ]+) \| ([\w, ]+) \| ([\w, ]+) \|$", (C / "README.md").read_text(), re.M)
    return {name: [int(text.replace(",", "")) if text[0].isdigit() else None for text in figures] for name, *figures in rows}


class Memory(unittest.TestCase):
    def test_state_buffers_and_the_deepest_stack_stay_below_8_kb(self):
        with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
            objects = compiled(here, "gcc", "-O2", "-fcallgraph-info=su")
            wide, stack = sizes(objects), deepest(here)
            arm = compiled(there, "clang", *ARM, "-Os")
            narrow = sizes(arm)
            flash = sum(Object(path).flash() for name, path in arm.items() if name != "memory")
            variables = sum(Object(path).variables() for name, path in {**objects, **arm}.items() if name != "memory")
        self.assertEqual(variables, 0, "no variable of its own: everything is the caller's")
        top = max(stack.values())
        measured = {
            "state": [wide["client"], narrow["client"]],
            "default buffers": [wide["buffers"], narrow["buffers"]],
            "deepest stack": [top, None],
            "code and constants": [None, flash],
        }
        print(f"\n  state {wide['client']} (socket {wide['socket']}, requests {wide['desk']}, rooms {wide['rooms']}, "
              f"credentials {wide['credentials']}), buffers {wide['buffers']}, deepest stack {top}; "
              f"together {wide['client'] + wide['buffers'] + top} bytes on x86-64; "
              f"Cortex-M4: state {narrow['client']}, buffers {narrow['buffers']}, code {flash}", flush=True)  # fmt: skip
        self.assertGreater(top, 500, "the call graph was read")
        self.assertLess(wide["client"] + wide["buffers"] + top, MOST)
        table = stated()
        for name, figures in measured.items():
            for said, found in zip(table[name], figures):
                if found is not None:
                    self.assertAlmostEqual(said, found, delta=found / 10, msg=f"README.md says {said} for {name}")

    def test_nothing_is_allocated_and_no_c_library_is_needed_but_seven_functions(self):
        text = "".join(path.read_text() for path in [*SOURCES, *(C / "gohub").glob("*.h")])
        self.assertEqual(re.findall(r"\b(?:malloc|calloc|realloc|free|printf|snprintf|alloca)\(", text), [])
        headers = set(re.findall(r"#include <([^>]+)>", text))
        self.assertEqual(headers, {"stdbool.h", "stddef.h", "stdint.h", "string.h"})
