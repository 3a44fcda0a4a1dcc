// A customer store in memory with its permits and services, for tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "pharos/customer/v1/consent_service.pb.h"
#include "pharos/record/v1/change.pb.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "services/customer/clean.h"
#include "services/customer/consent_service.h"
#include "services/customer/endpoint_service.h"
#include "services/customer/keys.h"
#include "services/customer/linker.h"
#include "services/customer/opt_out.h"
#include "services/customer/opt_out_service.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/permit_service.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"
#include "storage/open.h"

namespace pharos::customer {

class TestCall : public rpc::Call {
 public:
  TestCall() {
    caller_.principal = "principals/tester";
    request_id_ = "test";
    method_ = "/test";
  }
  int64_t RemainingMicros() const override { return 10'000'000; }
  bool cancelled() const override { return gone; }
  std::atomic<bool> gone = false;
};

// Keeps what a stream sends; another thread may wait for it.
template <typename T>
class Collected : public rpc::Writer<T> {
 public:
  bool Write(const T& message) override {
    base::MutexLock lock(mutex_);
    messages_.push_back(message);
    more_.NotifyAll();
    return true;
  }
  // Waits for `count` messages, for at most `millis`; gives what is there.
  std::vector<T> Await(size_t count, int64_t millis = 20'000) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(millis);
    base::MutexLock lock(mutex_);
    while (messages_.size() < count && std::chrono::steady_clock::now() < deadline)
      more_.WaitForMicros(lock, 5'000);
    return messages_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar more_;
  std::vector<T> messages_;
};

constexpr int64_t kTerm = 2'000'000;

struct PermitFixture {
  explicit PermitFixture(base::Clock& the_clock, int64_t term_us = kTerm, RecordKeys* keys = nullptr)
      : clock(the_clock),
        blind(std::string(32, 'k')),
        store(*storage::Open({.folder = "/customer", .name = "customer", .in_memory = true})),
        people(*store, blind, &clock, keys),
        linker(Linker::Make(*store, people, clock, {.background = false})),
        permits(*PermitTable::Open(*store, clock, term_us)),
        opt_outs(*store, people, *permits, clock),
        permit_service(*store, people, *permits, clock),
        opt_out_service(opt_outs),
        consents(*store, people, opt_outs, clock),
        endpoints(*store, people, opt_outs, clock) {
    AddPurpose("purposes/service", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_PUBLIC_TASK);
    AddPurpose("purposes/marketing", type::v1::PURPOSE_CLASS_MARKETING, type::v1::LAWFUL_BASIS_CONSENT);
  }

  void AddPurpose(const std::string& name, type::v1::PurposeClass purpose_class,
                  type::v1::LawfulBasis basis) {
    record::v1::PurposeRow row;
    row.set_name(name);
    row.set_purpose_class(purpose_class);
    row.set_lawful_basis(basis);
    EXPECT_TRUE(store
                    ->Transact([&](storage::Transaction& tx) {
                      storage::PutRecord(tx, PurposeKey(name), row);
                      tx.AppendChange(
                          rpc::ChangeByLoop("internal:test", name, "purpose.created", 1, clock.WallMicros()));
                      return absl::OkStatus();
                    })
                    .ok());
  }

  // Gives the person's name.
  std::string AddPerson(const std::string& record, const std::string& given_name, const std::string& phone,
                        const std::string& email = "", const std::string& postcode = "") {
    record::v1::RecordRow row;
    row.set_name("sources/feed/records/" + record);
    const std::pair<const char*, std::string> fields[] = {{"given_name", given_name},
                                                          {"family_name", "Smith"},
                                                          {"phone", phone},
                                                          {"email", email},
                                                          {"postcode", postcode}};
    for (const auto& [field, value] : fields) {
      if (!value.empty()) (*row.mutable_fields())[field] = (*row.mutable_clean())[field] = value;
    }
    const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
      return rpc::ChangeByLoop("internal:test", resource, kind, version, clock.WallMicros());
    };
    std::vector<RecordChange> changes(1);
    changes[0].row = row;
    const absl::Status status = linker->Apply(std::move(changes), change, {}).status();
    EXPECT_TRUE(status.ok()) << status;
    record::v1::RecordRow stored;
    EXPECT_TRUE(*storage::GetRecord(*store, RecordKey(*ParseRecordName(row.name())), stored));
    return stored.person();
  }
  std::string Phone(const std::string& phone) { return people.EndpointOf(type::v1::CHANNEL_SMS, phone); }

  internal::v1::PermitRequest Wanted(const std::string& id, const std::string& person,
                                     const std::string& phone,
                                     const std::string& purpose = "purposes/service") {
    internal::v1::PermitRequest wanted;
    wanted.set_id(base::Sha256(id).substr(0, 16));
    wanted.set_person(person);
    wanted.set_endpoint(Phone(phone));
    wanted.set_channel(type::v1::CHANNEL_SMS);
    wanted.set_purpose(purpose);
    return wanted;
  }
  internal::v1::PermitAnswer Issue(const internal::v1::PermitRequest& wanted,
                                   std::vector<std::string> fields = {}) {
    TestCall call;
    internal::v1::IssuePermitsRequest request;
    *request.add_requests() = wanted;
    for (const auto& field : fields) request.add_fields(field);
    internal::v1::IssuePermitsResponse response;
    const absl::Status status = permit_service.IssuePermits(call, request, response);
    EXPECT_TRUE(status.ok()) << status;
    return response.answers_size() == 1 ? response.answers(0) : internal::v1::PermitAnswer();
  }
  void Release(const std::string& id) { permits->Release(base::Sha256(id).substr(0, 16)); }

  // Entries of the change log of one kind, oldest first.
  std::vector<record::v1::ChangeEntry> Entries(const std::string& kind) {
    std::vector<record::v1::ChangeEntry> found;
    const std::vector<storage::Change> changes = *store->ReadChanges(0, 100'000);
    for (const auto& change : changes) {
      record::v1::ChangeEntry entry;
      EXPECT_TRUE(entry.ParseFromString(change.entry));
      if (entry.kind() == kind) found.push_back(std::move(entry));
    }
    return found;
  }

  internal::v1::RecordReplyRequest Reply(const std::string& id, const std::string& phone,
                                         internal::v1::ReplyKind kind) {
    internal::v1::RecordReplyRequest request;
    request.set_reply_id(id);
    request.set_address(phone);
    request.set_channel(type::v1::CHANNEL_SMS);
    request.set_kind(kind);
    return request;
  }
  using Answers = Collected<internal::v1::RecordReplyResponse>;
  // Both answers of a reply that nothing holds up.
  internal::v1::RecordReplyResponse Say(const internal::v1::RecordReplyRequest& request) {
    TestCall call;
    Answers answers;
    const absl::Status status = opt_out_service.RecordReply(call, request, answers);
    EXPECT_TRUE(status.ok()) << status;
    const auto all = answers.Await(2);
    EXPECT_EQ(all.size(), 2u);
    return all.empty() ? internal::v1::RecordReplyResponse() : all.back();
  }

  base::Clock& clock;
  storage::BlindIndex blind;
  std::unique_ptr<storage::Store> store;
  PersonStore people;
  std::unique_ptr<Linker> linker;
  std::unique_ptr<PermitTable> permits;
  OptOuts opt_outs;
  PermitService permit_service;
  OptOutService opt_out_service;
  ConsentService consents;
  EndpointService endpoints;
};

// A real store that cannot write any more, as on a full disk.
class FullStore : public storage::Store {
 public:
  explicit FullStore(storage::Store& store) : store_(store) {}
  absl::Status Transact(const std::function<absl::Status(storage::Transaction&)>&) override {
    return absl::ResourceExhaustedError("the disk is full");
  }
  std::unique_ptr<storage::View> Read() const override { return store_.Read(); }
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return store_.Get(key);
  }
  absl::StatusOr<std::vector<storage::Change>> ReadChanges(uint64_t position, size_t most) const override {
    return store_.ReadChanges(position, most);
  }
  bool WaitForChange(uint64_t position, int64_t micros) const override {
    return store_.WaitForChange(position, micros);
  }
  uint64_t LastPosition() const override { return store_.LastPosition(); }

 private:
  storage::Store& store_;
};

// Runs something that waits, and says whether it has ended.
class Waiting {
 public:
  template <typename Run>
  explicit Waiting(Run run)
      : thread_([this, run = std::move(run)] {
          run();
          done_ = true;
        }) {}
  ~Waiting() { Join(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  // Something that must not end is watched for several of the table's looks at the clock.
  bool EndsBy(int64_t millis) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(millis);
    while (!done_ && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return done_;
  }
  bool StaysOpen() const { return !EndsBy(40); }
  bool Ends() const { return EndsBy(20'000); }

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace pharos::customer
