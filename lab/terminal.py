#!/usr/bin/python3
"""Connects this terminal to a UNIX socket with a terminal's other end behind it; Ctrl-] leaves."""
import os
import select
import socket
import sys
import termios
import tty

LEAVE = b"\x1d"


def main():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(sys.argv[1])
    saved = termios.tcgetattr(0) if os.isatty(0) else None
    if saved:
        tty.setraw(0)
        print("Ctrl-] leaves.\r")
        peer.sendall(b"\n")
    try:
        while True:
            ready, _, _ = select.select([0, peer], [], [])
            if peer in ready:
                data = peer.recv(65536)
                if not data:
                    return
                os.write(1, data)
            if 0 in ready:
                data = os.read(0, 65536)
                if not data or LEAVE in data:
                    return
                peer.sendall(data)
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)


main()
