// Candidates: lists that samplers edit, lent to a host's sampler or made by the host.
#include <cstddef>
#include <memory>
#include <span>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "carat/sampler.h"

using carat::Candidate;
using carat::Status;
using carat::capi::ArrayOf;
using carat::capi::Call;

// The host's array of candidates is edited in place.
static_assert(sizeof(carat_candidate) == sizeof(Candidate));
static_assert(offsetof(carat_candidate, token) == offsetof(Candidate, token));
static_assert(offsetof(carat_candidate, logit) == offsetof(Candidate, logit));

carat_status carat_candidates_new(carat_candidate* data, size_t count, int32_t sorted,
                                  carat_candidates** candidates, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(candidates);
    CARAT_ASSIGN_OR_RETURN(const std::span<carat_candidate> items, ArrayOf(data, count, "data"));
    auto made = std::make_unique<carat_candidates>();
    made->own.emplace(reinterpret_cast<Candidate*>(items.data()), items.size(), sorted != 0);
    made->list = &*made->own;
    *candidates = made.release();
    return {};
  });
}

void carat_candidates_free(carat_candidates* candidates) {
  // A list without storage of its own lives in the frame that lent it to a callback.
  if (candidates != nullptr && candidates->own.has_value()) delete candidates;
}

carat_candidate* carat_candidates_data(carat_candidates* candidates) {
  if (candidates == nullptr) return nullptr;
  return reinterpret_cast<carat_candidate*>(candidates->list->items().data());
}

size_t carat_candidates_size(const carat_candidates* candidates) {
  return candidates == nullptr ? 0 : candidates->list->size();
}

int32_t carat_candidates_sorted(const carat_candidates* candidates) {
  return candidates != nullptr && candidates->list->sorted() ? 1 : 0;
}

void carat_candidates_set_sorted(carat_candidates* candidates, int32_t sorted) {
  if (candidates != nullptr) candidates->list->set_sorted(sorted != 0);
}

void carat_candidates_sort(carat_candidates* candidates) {
  if (candidates != nullptr) candidates->list->Sort();
}

void carat_candidates_keep_highest(carat_candidates* candidates, size_t count) {
  if (candidates != nullptr) candidates->list->KeepHighest(count);
}

void carat_candidates_truncate(carat_candidates* candidates, size_t count) {
  if (candidates != nullptr) candidates->list->Truncate(count);
}

void carat_candidates_select(carat_candidates* candidates, int32_t token) {
  if (candidates != nullptr) candidates->list->Select(token);
}

int32_t carat_candidates_selected(const carat_candidates* candidates) {
  return candidates == nullptr ? -1 : candidates->list->selected();
}
