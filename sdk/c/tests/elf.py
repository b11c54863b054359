"""Just enough of ELF to read how large symbols and sections of an object file are, whatever processor it is for."""
import pathlib
import struct

_ALLOCATED, _WRITABLE = 2, 1
_SYMBOLS = 2


class Object:
    """An object file."""

    def __init__(self, path):
        self.bytes = pathlib.Path(path).read_bytes()
        self.wide = self.bytes[4] == 2
        at, size, count = (0x28, 0x3A, 0x3C) if self.wide else (0x20, 0x2E, 0x30)
        first = struct.unpack_from("<Q" if self.wide else "<I", self.bytes, at)[0]
        size = struct.unpack_from("<H", self.bytes, size)[0]
        count = struct.unpack_from("<H", self.bytes, count)[0]
        form = "<IIQQQQIIQQ" if self.wide else "<IIIIIIIIII"
        self.sections = [struct.unpack_from(form, self.bytes, first + n * size) for n in range(count)]

    def symbols(self):
        """Sizes of the named symbols."""
        sizes = {}
        for kind, place, length, link, entry in ((s[1], s[4], s[5], s[6], s[9]) for s in self.sections):
            if kind != _SYMBOLS:
                continue
            names = self.sections[link][4]
            for at in range(place, place + length, entry):
                if self.wide:
                    name, _, _, _, _, size = struct.unpack_from("<IBBHQQ", self.bytes, at)
                else:
                    name, _, size, _, _, _ = struct.unpack_from("<IIIBBH", self.bytes, at)
                text = self.bytes[names + name : self.bytes.index(0, names + name)].decode()
                sizes[text] = size
        return sizes

    def flash(self):
        """Bytes of code and constants."""
        return sum(s[5] for s in self.sections if s[2] & _ALLOCATED and not s[2] & _WRITABLE)

    def variables(self):
        """Bytes of variables."""
        return sum(s[5] for s in self.sections if s[2] & _ALLOCATED and s[2] & _WRITABLE)
