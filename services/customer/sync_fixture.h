// A customer store in memory with a partner under an agreement, for tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "services/customer/agreement_service.h"
#include "services/customer/agreement_store.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/purpose_store.h"
#include "services/customer/sync_service.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"
#include "storage/open.h"

namespace pharos::customer {

class SyncCall : public rpc::Call {
 public:
  explicit SyncCall(const std::string& principal, std::vector<std::string> roles) {
    caller_.principal = "principals/" + principal;
    caller_.roles = std::move(roles);
    request_id_ = "test";
    method_ = "/test";
  }
  int64_t RemainingMicros() const override { return 20'000'000; }
  bool cancelled() const override { return gone; }
  void Cancel() override {
    cut = true;
    if (on_cancel) on_cancel();
  }
  std::atomic<bool> gone = false, cut = false;
  std::function<void()> on_cancel;
};
inline SyncCall Partner(const std::string& principal = "leeds-crm") {
  return SyncCall(principal, {"partner"});
}

// The partner's end of a stream.
class SyncWire : public rpc::Stream<v1::SyncRequest, v1::SyncResponse> {
 public:
  void Send(v1::SyncRequest request) {
    base::MutexLock lock(mutex_);
    requests_.push_back(std::move(request));
    changed_.NotifyAll();
  }
  void HalfClose() {
    base::MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  bool Read(v1::SyncRequest& request) override {
    base::MutexLock lock(mutex_);
    while (requests_.empty() && !closed_) changed_.Wait(lock);
    if (requests_.empty()) return false;
    request = std::move(requests_.front());
    requests_.pop_front();
    return true;
  }
  bool Write(const v1::SyncResponse& response) override {
    base::MutexLock lock(mutex_);
    for (const auto& result : response.results()) results_.push_back(result);
    if (response.has_end()) end_ = response.end().reason();
    changed_.NotifyAll();
    return true;
  }
  std::vector<v1::SyncResult> Await(size_t count) {
    base::MutexLock lock(mutex_);
    for (int tries = 0; results_.size() < count && tries < 2000; ++tries)
      changed_.WaitForMicros(lock, 10'000);
    return results_;
  }
  std::string AwaitEnd() {
    base::MutexLock lock(mutex_);
    for (int tries = 0; end_.empty() && tries < 2000; ++tries) changed_.WaitForMicros(lock, 10'000);
    return end_;
  }
  size_t unread() {
    base::MutexLock lock(mutex_);
    return requests_.size();
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<v1::SyncRequest> requests_;
  std::vector<v1::SyncResult> results_;
  std::string end_;
  bool closed_ = false;
};

inline v1::SyncItem Item(const std::string& record, std::map<std::string, std::string> fields,
                         const std::string& cursor = "", int64_t update_time_us = 0) {
  v1::SyncItem item;
  item.set_record_id(record);
  item.set_cursor(cursor);
  item.set_update_time_us(update_time_us);
  item.mutable_upsert()->mutable_fields()->insert(fields.begin(), fields.end());
  return item;
}
inline v1::SyncItem Gone(const std::string& record, const std::string& cursor = "") {
  v1::SyncItem item;
  item.set_record_id(record);
  item.set_cursor(cursor);
  item.mutable_delete_();
  return item;
}
inline void Say(v1::SyncItem& item, type::v1::EntryKind kind, int64_t time_us,
                type::v1::Channel channel = type::v1::CHANNEL_SMS) {
  auto& consent = *item.mutable_upsert()->add_consents();
  consent.set_purpose("purposes/quit");
  consent.set_channel(channel);
  consent.set_kind(kind);
  consent.set_event_time_us(time_us);
}

struct SyncFixture {
  SyncFixture()
      : store(*storage::Open({.folder = "/customer", .name = "customer", .in_memory = true})),
        people(*store, blind, &clock),
        linker(Linker::Make(*store, people, clock, {.background = false})),
        book(*store, clock),
        agreements(*store, book, clock),
        sync({*store, people, *linker, book, clock, [this] { ++settled; }}, blind) {
    EXPECT_TRUE(linker->Load().ok());
    for (const char* source : {"leeds", "york", "stewards"}) AddSource(source);
    AddPurpose("purposes/quit");
    AddPurpose("purposes/other");
    MakeAgreement("leeds", "leeds-crm", "leeds");
    MakeAgreement("york", "york-crm", "york");
  }
  ~SyncFixture() { sync.Stop(); }

  void AddSource(const std::string& id) {
    record::v1::SourceRow row;
    row.set_name("sources/" + id);
    row.set_audience_kind(type::v1::AUDIENCE_KIND_PUBLIC);
    row.set_trust(id == "stewards" ? 100 : 50);
    Put(SourceKey(row.name()), row, row.name(), "source.created");
  }
  void AddPurpose(const std::string& name) {
    record::v1::PurposeRow row;
    row.set_name(name);
    row.set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    row.set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
    Put(PurposeKey(name), row, name, "purpose.created");
  }
  template <typename Row>
  void Put(const std::string& key, const Row& row, const std::string& name, const char* kind) {
    EXPECT_TRUE(store
                    ->Transact([&](storage::Transaction& tx) {
                      storage::PutRecord(tx, key, row);
                      tx.AppendChange(Changes()(name, kind, 1));
                      return absl::OkStatus();
                    })
                    .ok());
  }
  ChangeMaker Changes() {
    return [this](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, clock.WallMicros());
    };
  }
  void MakeAgreement(const std::string& id, const std::string& principal, const std::string& source) {
    v1::CreateAgreementRequest request;
    request.set_agreement_id(id);
    auto& agreement = *request.mutable_agreement();
    agreement.add_principals("principals/" + principal);
    agreement.add_sources("sources/" + source);
    agreement.add_purposes("purposes/quit");
    for (const char* field : {"given_name", "family_name", "date_of_birth", "email", "phone", "postcode"})
      agreement.add_write_fields(field);
    for (const char* field : {"given_name", "email"}) agreement.add_read_fields(field);
    agreement.set_expire_time_us(clock.WallMicros() + 365LL * 86'400'000'000);
    v1::Agreement made;
    SyncCall call("governance", {"governance"});
    const absl::Status status = agreements.CreateAgreement(call, request, made);
    EXPECT_TRUE(status.ok()) << status;
  }

  static v1::SyncHeader Header(const std::string& id) {
    v1::SyncHeader header;
    header.set_source("sources/" + id);
    header.set_agreement("agreements/" + id);
    return header;
  }
  // All in one stream; the answers.
  std::vector<v1::SyncResult> Send(const v1::SyncHeader& header, const std::vector<v1::SyncItem>& items,
                                   SyncCall& call) {
    clock.Advance(1'000);
    SyncWire wire;
    v1::SyncRequest first;
    *first.mutable_header() = header;
    wire.Send(first);
    v1::SyncRequest batch;
    for (const auto& item : items) *batch.mutable_batch()->add_items() = item;
    wire.Send(batch);
    wire.HalfClose();
    status = sync.Sync(call, wire);
    return wire.Await(0);
  }
  std::vector<v1::SyncResult> Send(const std::string& id, const std::vector<v1::SyncItem>& items) {
    SyncCall call = Partner(id + "-crm");
    auto results = Send(Header(id), items, call);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(results.size(), items.size());
    results.resize(items.size());
    return results;
  }
  v1::SyncResult SendOne(const std::string& id, const v1::SyncItem& item) { return Send(id, {item})[0]; }

  // What a person says to us directly.
  void Tell(const std::string& person, type::v1::EntryKind kind, int64_t time_us) {
    const auto row = *people.Load(*store->Read(), person);
    ASSERT_TRUE(row.has_value());
    record::v1::LedgerRow entry;
    auto& gate = *entry.mutable_gate();
    gate.set_name("consentEntries/" + base::NewId(clock.WallMicros()));
    gate.set_record(DirectRecordOfPerson(row->name()));
    gate.set_direct(true);
    gate.set_kind(kind);
    gate.set_scope(type::v1::SCOPE_PURPOSE);
    gate.set_purpose("purposes/quit");
    gate.set_event_time_us(time_us);
    entry.add_subjects(gate.record());
    for (const auto& record : row->records()) entry.add_subjects(record);
    const absl::Status said =
        store->Transact([&](storage::Transaction& tx) { return people.AppendEntry(tx, entry, Changes()); });
    EXPECT_TRUE(said.ok()) << said;
  }
  void Erase(const std::string& record) {
    std::vector<RecordChange> changes(1);
    changes[0].kind = RecordChange::kErase;
    changes[0].row.set_name(record);
    EXPECT_TRUE(linker->Apply(std::move(changes), Changes(), {}).ok());
  }
  // Another source's record, or a steward's.
  std::string Bring(const std::string& record, std::map<std::string, std::string> fields) {
    std::vector<RecordChange> changes(1);
    changes[0].row.set_name(record);
    for (const auto& [field, value] : fields) ReadField(changes[0].row, field, value);
    const auto results = linker->Apply(std::move(changes), Changes(), {});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? (*results)[0].person : "";
  }
  record::v1::AssertionRow Link(const std::string& a, const std::string& b, bool same = true) {
    record::v1::AssertionRow row;
    row.set_name("assertions/" + base::NewId(clock.WallMicros()));
    row.set_reason("test");
    if (same) {
      auto& side = *row.add_sides();
      side.add_records(a);
      side.add_records(b);
    } else {
      row.add_sides()->add_records(a);
      row.add_sides()->add_records(b);
    }
    const absl::Status linked = linker->Assert(row, Changes(), nullptr);
    EXPECT_TRUE(linked.ok()) << linked;
    // As stored, with its number.
    record::v1::AssertionRow stored;
    EXPECT_TRUE(*storage::GetRecord(*store, AssertionKey(row.name()), stored));
    return stored;
  }
  absl::Status EndAgreement(const std::string& id) {
    SyncCall call("governance", {"governance"});
    v1::EndAgreementRequest request;
    request.set_name("agreements/" + id);
    v1::Agreement response;
    return agreements.EndAgreement(call, request, response);
  }

  base::FakeClock clock{1'700'000'000'000'000};
  storage::BlindIndex blind{std::string(32, 'k')};
  std::unique_ptr<storage::Store> store;
  PersonStore people;
  std::unique_ptr<Linker> linker;
  AgreementBook book;
  AgreementService agreements;
  std::atomic<int> settled = 0;
  SyncService sync;
  absl::Status status;  // of the last stream
};

}  // namespace pharos::customer
