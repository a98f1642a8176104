"""The data directory and the disk below it."""

from __future__ import annotations

import os
import stat
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.doctor.rights import user_name

FULL: Final = 200 << 20  # octets that are left: mail will be refused
NEARLY_FULL: Final = 2 << 30
FEW_FILES: Final = 1000
SYNCS: Final = 5
SLOW_S: Final = 0.02  # each commit waits for as long
FILES: Final = 10_000  # that are looked at for their owner
# SQLite's log needs memory that all processes share, and locks that hold: not over a network.
REMOTE: Final = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs", "vboxsf")
FLEETING: Final = ("tmpfs", "ramfs")
PROBE: Final = ".doctor"


def check_disk(directory: Path) -> Iterator[Finding]:
    """Rights, kind, room and speed of where the data lies, which exists."""
    yield from _rights(directory)
    yield from _kind(directory)
    yield from _room(directory)
    yield _speed(directory)


def _rights(directory: Path) -> Iterator[Finding]:
    state = directory.stat()
    who = user_name(state.st_uid)
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"others than {who} get in (mode {stat.S_IMODE(state.st_mode):o})"
        yield Finding(Area.DISK, Level.ADVICE, str(directory), text, f"chmod 700 {directory}")
    strange = [path for path, uid in islice(_owners(directory), FILES) if uid != state.st_uid]
    if strange:
        text = f"{len(strange)} files in it do not belong to {who}, among them {strange[0].name}"
        todo = f"chown -R {who} {directory}"
        yield Finding(Area.DISK, Level.FAULT, str(directory), text, todo)
    else:
        yield Finding(Area.DISK, Level.GOOD, str(directory), f"all in it belongs to {who}")


def _owners(directory: Path) -> Iterator[tuple[Path, int]]:
    for parent, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(parent, name)
            try:
                yield path, path.lstat().st_uid
            except OSError:  # it has just gone
                continue


def _kind(directory: Path) -> Iterator[Finding]:
    kind = file_system(directory, Path("/proc/self/mountinfo").read_text("utf-8"))
    if kind in REMOTE:
        text = f"lies on {kind}, a disk elsewhere: databases are damaged there"
        yield Finding(Area.DISK, Level.FAULT, str(directory), text, "keep the data on a disk of this machine")
    elif kind in FLEETING:
        text = f"lies on {kind}: all mail is gone when the machine restarts"
        yield Finding(Area.DISK, Level.ADVICE, str(directory), text, "keep the data on a disk")


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system that `path` lies on, by the text of proc(5)'s mountinfo; "" where that does not say."""
    best, kind, real = -1, "", path.resolve()
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        mounted = Path(fields[4].replace(r"\040", " ").replace(r"\011", "\t").replace(r"\134", "\\"))
        if real.is_relative_to(mounted) and len(mounted.parts) >= best:  # a later one lies above
            best, kind = len(mounted.parts), after.split()[0]
    return kind


def _room(directory: Path) -> Iterator[Finding]:
    disk = os.statvfs(directory)
    left = disk.f_bavail * disk.f_frsize
    shown = f"{left / 1e9:,.1f} GB are free"
    if left < FULL:
        yield Finding(Area.DISK, Level.FAULT, "room", f"{shown}: mail is refused", "make room")
    elif left < NEARLY_FULL:
        yield Finding(Area.DISK, Level.ADVICE, "room", shown, "make room, before mail is refused")
    else:
        yield Finding(Area.DISK, Level.GOOD, "room", shown)
    if disk.f_files and disk.f_favail < FEW_FILES:  # some file systems do not count them
        text = f"the disk has room for {disk.f_favail} more files only"
        yield Finding(Area.DISK, Level.FAULT, "files", text, "remove small files from it")


def _speed(directory: Path) -> Finding:
    try:
        took = statistics.median(_syncs(directory))
    except OSError as error:
        text = f"nothing can be written: {error.strerror}"
        todo = "be the user who runs the server, or look at how the disk is mounted"
        return Finding(Area.DISK, Level.FAULT, str(directory), text, todo)
    text = f"a write is on disk within {took * 1000:.1f} ms"
    if took > SLOW_S:
        todo = "a faster disk; whoever brings mail waits for this"
        return Finding(Area.DISK, Level.ADVICE, "writes", text, todo)
    return Finding(Area.DISK, Level.GOOD, "writes", text)


def _syncs(directory: Path) -> Iterator[float]:
    """Seconds that it takes to have a page on disk."""
    probe = directory / f"{PROBE}-{os.getpid()}"
    with open(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as file:
        try:
            for _ in range(SYNCS):
                start = time.perf_counter()
                file.write(bytes(4096))
                os.fsync(file.fileno())
                yield time.perf_counter() - start
        finally:
            probe.unlink()
