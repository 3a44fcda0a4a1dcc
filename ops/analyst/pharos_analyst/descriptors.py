"""The messages of the API. An installed package brings their descriptors; in the repository they are compiled once into build/, and
again when a proto has changed. No generated code: one set of descriptors fits every version of protobuf."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUNDLED = "api.desc"
PROTOS = ["google/rpc/error_details.proto", "google/rpc/status.proto", "pharos/audience/v1/audience_service.proto",
          "pharos/audience/v1/query_service.proto", "pharos/audience/v1/reference_service.proto",
          "pharos/customer/v1/purpose_service.proto"]
HERE = pathlib.Path(__file__).resolve().parent


def compile_protos(proto_folder: pathlib.Path, out: pathlib.Path) -> None:
    """With protoc (Debian: protobuf-compiler), else with grpc_tools (python3-grpc-tools)."""
    found = shutil.which("protoc")
    protos = [name for name in PROTOS if (proto_folder / name).exists()]  # a version without reference data has no such service
    compiler = [found] if found else [sys.executable, "-m", "grpc_tools.protoc"]
    done = subprocess.run([*compiler, f"-I{proto_folder}", "--include_imports", f"--descriptor_set_out={out}", *protos],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("pharos_analyst cannot compile the protos; install Debian's protobuf-compiler or python3-grpc-tools.\n"
                           + done.stderr.strip())


def descriptor_set() -> bytes:
    """A serialised google.protobuf.FileDescriptorSet."""
    bundled = HERE / BUNDLED
    if bundled.exists():
        return bundled.read_bytes()
    root = HERE.parents[2]
    if not (root / "proto" / PROTOS[0]).exists():
        raise RuntimeError("pharos_analyst is not whole: install it from a checkout with pip install ./ops/analyst")
    kept = root / "build" / "analyst" / BUNDLED
    newest = max(path.stat().st_mtime for path in (root / "proto").rglob("*"))  # folders too: a proto may go
    if not kept.exists() or kept.stat().st_mtime <= newest:
        _make(root / "proto", kept)
    return kept.read_bytes()


def _make(protos: pathlib.Path, kept: pathlib.Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=kept.parent)
    os.close(handle)
    try:
        compile_protos(protos, pathlib.Path(name))
        os.replace(name, kept)  # several may do this at once
    finally:
        pathlib.Path(name).unlink(missing_ok=True)
