#include "services/edge/console/session_store.h"

#include <algorithm>
#include <utility>

#include "services/base/ids.h"

namespace pharos::edge::console {
namespace {

std::string RandomWord() {
  return base::ToHex(base::RandomBytes16() + base::RandomBytes16());
}

}  // namespace

std::string SessionStore::Begin(Session session) {
  const std::string id = RandomWord();
  session.csrf = RandomWord();
  session.since_us = clock_.BootMicros();
  base::MutexLock lock(mutex_);
  if (entries_.size() >= kMost) MakeRoom();
  entries_[base::Sha256(id)] = {std::make_shared<const Session>(std::move(session)), "", clock_.BootMicros(),
                                nullptr, 0};
  return id;
}

SessionStore::Entries::iterator SessionStore::Look(std::string_view id) {
  const auto at = entries_.find(base::Sha256(id));
  if (at == entries_.end()) return at;
  const int64_t now = clock_.BootMicros();
  if (now - at->second.seen_us <= kIdleUs && now - at->second.session->since_us <= kLongestUs) return at;
  entries_.erase(at);
  return entries_.end();
}

std::shared_ptr<const Session> SessionStore::Find(std::string_view id) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  if (at == entries_.end()) return nullptr;
  at->second.seen_us = clock_.BootMicros();
  return at->second.session;
}

bool SessionStore::Lives(std::string_view id) {
  base::MutexLock lock(mutex_);
  return Look(id) != entries_.end();
}

std::shared_ptr<const void> SessionStore::Listen(std::string_view id) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  if (at == entries_.end() || at->second.place.use_count() > kMostStreams) return nullptr;
  return at->second.place;
}

void SessionStore::SetPurpose(std::string_view id, std::string purpose) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  if (at == entries_.end()) return;
  Session changed = *at->second.session;
  changed.purpose = std::move(purpose);
  at->second.session = std::make_shared<const Session>(std::move(changed));
}

void SessionStore::SetNotice(std::string_view id, std::string notice) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  if (at != entries_.end()) at->second.notice = std::move(notice);
}

std::string SessionStore::TakeNotice(std::string_view id) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  return at == entries_.end() ? "" : std::exchange(at->second.notice, "");
}

void SessionStore::KeepUpload(std::string_view id, std::shared_ptr<const Upload> upload) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  if (at == entries_.end()) return;
  at->second.upload = std::move(upload);
  at->second.uploaded_us = clock_.BootMicros();
  DropOldUploads();
}

std::shared_ptr<const Upload> SessionStore::FindUpload(std::string_view id) {
  base::MutexLock lock(mutex_);
  const auto at = Look(id);
  return at == entries_.end() ? nullptr : at->second.upload;
}

void SessionStore::DropOldUploads() {
  size_t kept = 0;
  Entry* oldest = nullptr;
  for (auto& [key, entry] : entries_) {
    if (entry.upload == nullptr) continue;
    ++kept;
    if (oldest == nullptr || entry.uploaded_us < oldest->uploaded_us) oldest = &entry;
  }
  if (kept > kMostUploads) oldest->upload = nullptr;
}

void SessionStore::End(std::string_view id) {
  base::MutexLock lock(mutex_);
  entries_.erase(base::Sha256(id));
}

void SessionStore::MakeRoom() {
  const auto longest = std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.seen_us < b.second.seen_us;
  });
  entries_.erase(longest);
}

}  // namespace pharos::edge::console
