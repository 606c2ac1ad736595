"""A long campaign against a reader of files, guided by coverage: anything but a ValueError is a crash, 10 s a hang.

    pip install atheris
    python tests/fuzz/campaign.py trace 1000000    # or csv, toml, cell

Prints libFuzzer's own account; what crashed is left in the working folder, as crash-*.
"""

import sys
import tempfile
from pathlib import Path

SEEDS = {
    "csv": [
        b"a;b;y\n1;2;3\n4;5;6\n7;8;1\n",
        b'"a","y"\n1,-2e3\n0.5,1\n',
        b"\xef\xbb\xbfx\ty\r\n1\t2\r\n",
    ],
    "toml": [
        b'steps = 100\nactivation = ["relu", "elu(alpha=1.7)"]\nseed = "0..99"\nbatch_norm = true\n',
        b'optimizer = "sgd(lr=0.1, momentum=0.9)"\ndepth = [1, 2, "3..5"]\nclip = ["none", "norm 1.0"]\n',
    ],
    "cell": [
        b'{"optimizer": "adam(betas=(0.5, 0.9))", "seed": 3, "dropout": 0.5, "hidden": "4,3"}'
    ],
}


def recorded():
    """Return the bytes of a small recording."""
    from compare.commands.record import recorded as record
    from compare.preparation import prepare
    from compare.request import Request

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.safetensors"
        record(prepare(Request(steps=2, batch_size=3, hidden="2")), file, by="manual", force=False)
        return file.read_bytes()


def read_trace(data, file):
    from compare.recording import Recording

    file.write_bytes(data)
    recording = Recording(file)
    if len(recording):
        recording.batch(0), recording.state(0), recording.trace(len(recording) - 1)


def read_csv(data, file):
    from compare.datasets.reading import parse

    parse("a.csv", data)


def read_toml(data, file):
    from compare.sweeping.declaration import from_toml, grid

    made = grid(from_toml(data, "a.toml"), "a.toml")
    made.cell(0), made.cell(made.size - 1)


def read_cell(data, file):
    from compare.sweeping.declaration import cell

    cell(data.decode())


INSTRUMENTED = ("compare.recording", "compare.datasets.reading", "compare.sweeping", "tomllib")
READERS = {"trace": read_trace, "csv": read_csv, "toml": read_toml, "cell": read_cell}


def main(reader, runs):
    import atheris

    with atheris.instrument_imports(include=[*INSTRUMENTED]):
        import compare.datasets.reading
        import compare.recording
        import compare.sweeping.declaration  # noqa: F401
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS.get(reader) or [recorded()]):
        (corpus / str(number)).write_bytes(seed)
    read, counts = READERS[reader], {"read": 0, "refused": 0}

    def once(data):
        try:
            read(data, folder / "a.safetensors")
            counts["read"] += 1
        except ValueError:
            counts["refused"] += 1
        if sum(counts.values()) % (runs // 10) == 0:  # libFuzzer leaves without a goodbye
            print(counts, file=sys.stderr, flush=True)

    options = [f"-runs={runs}", "-timeout=10", "-max_len=40000", "-seed=1", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
