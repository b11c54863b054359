"""It compiles without a warning, as C99 and C11, with gcc and clang, and for a processor without a system; so does the README's example."""
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
C = HERE.parent
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wpedantic", "-Wcast-qual", "-Wstrict-prototypes",
            "-Wmissing-prototypes", "-Wvla", "-Werror"]  # fmt: skip
SOURCES = sorted((C / "gohub").glob("*.c"))
SAMPLES = sorted((C / "samples").glob("*.c"))
FREESTANDING = ["--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-ffreestanding", "-isystem", str(HERE / "freestanding")]


def compile(*words):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*words, *WARNINGS, f"-I{C}", f"-I{C / 'samples'}", "-c"], check=True, cwd=folder)


class Builds(unittest.TestCase):
    def test_gcc_and_clang_take_it_as_c99_and_c11_without_a_warning(self):
        for compiler in ("gcc", "clang"):
            for standard in ("c99", "c11"):
                # What only the optimiser sees, it sees once.
                effort = "-O2" if (compiler, standard) == ("gcc", "c99") else "-fsyntax-only"
                with self.subTest(compiler=compiler, standard=standard):
                    compile(compiler, f"-std={standard}", effort, *SOURCES, *SAMPLES)

    def test_a_processor_without_a_system_takes_it(self):
        compile("clang", *FREESTANDING, "-std=c99", "-fsyntax-only", *SOURCES)

    def test_every_header_stands_for_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            sources = []
            for header in sorted((C / "gohub").glob("*.h")):
                sources.append(pathlib.Path(folder) / f"{header.stem}.c")
                sources[-1].write_text(f'#include "gohub/{header.name}"\nextern int not_empty;\n')
            compile("gcc", "-std=c99", "-fsyntax-only", *sources)

    def test_other_sizes_are_taken_too(self):
        compile("gcc", "-std=c99", "-fsyntax-only", "-DGOHUB_ROOMS=1", "-DGOHUB_PENDING=1", "-DGOHUB_TICKET_BYTES=0", "-DGOHUB_NAME_BYTES=32", *SOURCES)

    def test_every_file_begins_by_saying_why_it_exists_and_none_is_too_long(self):
        for path in [*C.glob("*/*.[ch]")]:
            text = path.read_text()
            if path.suffix == ".h" or not (path.with_suffix(".h").exists() or path.parent == C / "gohub"):
                self.assertTrue(text.startswith("/*"), path)
            self.assertLess(text.count("\n"), 500, path)

    def test_the_example_of_the_readme_compiles(self):
        [example] = re.findall(r"```c example\n(.*?)```", (C / "README.md").read_text(), re.S)
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "example.c"
            source.write_text(example)
            subprocess.run(["gcc", "-std=c99", *WARNINGS, f"-I{C}", f"-I{C / 'samples'}", source, *SOURCES, C / "samples/posix.c", "-o", "example"],
                           check=True, cwd=folder)  # fmt: skip
