"""python -m noria.serve.grpc.compile: the definitions of the messages as a descriptor set, for who changes a .proto.

Needs grpcio-tools; servers do not. The set is loaded into a pool of its own (``messages.py``): the modules that protoc
writes would register the package ``inference`` for the whole process, where tritonclient and others have theirs.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
GENERATED = FOLDER / "generated" / "protocol.binpb"


def compiled() -> bytes:
    """The descriptor set of all definitions beside this file.

    Raises
    ------
    RuntimeError
        If one of them is no proper definition; the compiler has said why on standard error.
    """
    from tempfile import TemporaryDirectory

    from grpc_tools import protoc

    files = sorted(path.name for path in FOLDER.glob("*.proto"))
    with TemporaryDirectory() as folder:
        made = Path(folder, "set")
        code = protoc.main(["protoc", f"--proto_path={FOLDER}", f"--descriptor_set_out={made}", *files])
        if code:
            raise RuntimeError(f"protoc ended with {code}")
        return made.read_bytes()


if __name__ == "__main__":
    GENERATED.write_bytes(compiled())
