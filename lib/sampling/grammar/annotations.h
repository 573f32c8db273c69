// Keywords of schemas that say nothing about which documents are valid.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_ANNOTATIONS_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_ANNOTATIONS_H_

#include <string_view>

namespace carat::internal {

// Those of the drafts and of OpenAPI, those that editors, generators and model providers write, and x-...
bool IsAnnotation(std::string_view keyword);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_ANNOTATIONS_H_
