"""ops/check refuses a forbidden include: shown on a small tree of its own."""
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("PHAROS_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARROWS = os.path.join(SOURCE, "ops", "check.d", "arrows.py")


def check(files):
    """Writes `files` into a fresh tree and checks it: (exit code, what was said)."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, ARROWS, root], capture_output=True, text=True)
        return done.returncode, done.stderr


class Arrows(unittest.TestCase):
    def refuses(self, path, include):
        code, said = check({path: f"// a comment\n#include {include}\n"})
        self.assertEqual(code, 1, f"{path} including {include} was let through")
        self.assertIn(f"{path}:2:", said)

    def allows(self, path, include):
        code, said = check({path: f"#include {include}\n"})
        self.assertEqual(code, 0, said)

    def test_a_service_does_not_include_another(self):
        self.refuses("services/campaign/campaign.cc", '"services/customer/person.h"')
        self.refuses("services/audience/x.cc", '"services/dispatch/intent.h"')

    def test_layers_point_down(self):
        self.refuses("services/base/text.cc", '"services/rpc/call.h"')
        self.refuses("storage/key_codec.cc", '"services/customer/tables.h"')
        self.allows("services/customer/person_store.cc", '"storage/store.h"')

    def test_rocksdb_stays_in_its_folder(self):
        self.refuses("services/customer/person_store.cc", "<rocksdb/db.h>")
        self.refuses("storage/store.h", '"rocksdb/options.h"')
        self.allows("storage/rocksdb/rocksdb_store.cc", "<rocksdb/db.h>")

    def test_grpc_stays_at_the_border(self):
        self.refuses("services/customer/person_service.cc", "<grpcpp/grpcpp.h>")
        self.refuses("services/customer/person.cc", '"pharos/customer/v1/person_service.grpc.pb.h"')
        self.allows("services/dispatch/customer_client.cc", '"pharos/customer/internal/v1/permit_service.grpc.pb.h"')

    def test_connectors_hold_no_people(self):
        self.refuses("connectors/smpp/session.cc", '"services/customer/person.h"')
        self.refuses("connectors/smpp/session.cc", '"storage/store.h"')
        self.allows("connectors/smpp/session.cc", '"services/content/sms_text.h"')

    def test_a_new_folder_needs_a_line_in_the_list(self):
        self.refuses("services/unheard_of/x.cc", '"services/customer/person.h"')

    def test_this_tree_is_in_order(self):
        done = subprocess.run([sys.executable, ARROWS, SOURCE], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
