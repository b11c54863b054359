#!/usr/bin/env python3
"""Sends raw bad frames, each on a connection of its own, and checks the close code: bad_frames.py PORT [PATH]

Autobahn asks a polite library for its cases; these are the bytes a hostile peer sends. The last line is 'N passed, N failed'.
"""
import base64
import os
import socket
import struct
import sys

TIMEOUT_S = 3


def frame(first, payload, masked=True):
    size, mask = len(payload), os.urandom(4)
    flag = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, flag | size])
    else:
        head = bytes([first, flag | 126]) + struct.pack(">H", size)
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def header(first, size):
    """A masked header with a 64-bit length, and four bytes of the promised payload."""
    return bytes([first, 0xFF]) + struct.pack(">Q", size) + os.urandom(4) + b"abcd"


CASES = {
    "a reserved bit without an extension": (frame(0xC1, b"a"), {1002}),
    "an unknown data opcode": (frame(0x83, b"a"), {1002}),
    "text that is not UTF-8": (frame(0x81, b"\xff\xfe"), {1007}),
    "an unmasked frame": (frame(0x81, b"a", masked=False), {1002}),
    "a ping of 126 bytes": (frame(0x89, b"a" * 126), {1002}),
    "a fragmented ping": (frame(0x09, b"a"), {1002}),
    "a continuation of nothing": (frame(0x80, b"a"), {1002}),
    "a length with the top bit set": (header(0x82, 2**64 - 1), {1002, 1009}),
    "a length of 100 MiB": (header(0x82, 100 << 20), {1009}),
    "a close payload of one byte": (frame(0x88, b"\x03"), {1002}),
    "close code 999": (frame(0x88, struct.pack(">H", 999)), {1002}),
    "a close reason that is not UTF-8": (frame(0x88, struct.pack(">H", 1000) + b"\xff"), {1007}),
}


def connect(port, path):
    peer = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    key = base64.b64encode(os.urandom(16)).decode()
    peer.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = peer.recv(1)
        if not chunk:
            raise ConnectionError(f"no upgrade: {answer[:80]!r}")
        answer += chunk
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise ConnectionError(f"no upgrade: {answer[:80]!r}")
    return peer


def answer_to(peer):
    """The close code the server sent, or in words what happened instead; then the server must hang up too."""
    data = b""
    try:
        while len(data) < 4:
            chunk = peer.recv(4096)
            if not chunk:
                return "hung up without a close frame"
            data += chunk
            if data[0] != 0x88:
                return f"sent {data[:8].hex()}"
            if data[1] < 2 <= len(data):
                return "closed without a code"
        code = struct.unpack(">H", data[2:4])[0]
        peer.sendall(frame(0x88, data[2:4]))
        while peer.recv(4096):
            pass
        return code
    except socket.timeout:
        return "did not hang up" if data else "kept quiet"
    except (ConnectionResetError, BrokenPipeError):
        return struct.unpack(">H", data[2:4])[0] if len(data) >= 4 else "reset the connection"


def main():
    port, path = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/echo"
    failed = 0
    for name, (bytes_sent, expected) in CASES.items():
        with connect(port, path) as peer:
            peer.sendall(bytes_sent)
            seen = answer_to(peer)
        if seen not in expected:
            failed += 1
            print(f"{name}: {seen}, expected {sorted(expected)}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
