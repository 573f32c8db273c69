#include "lib/sampling/grammar/annotations.h"

#include <algorithm>
#include <iterator>

namespace carat::internal {
namespace {

constexpr std::string_view kAnnotations[] = {
    // JSON Schema
    "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
    "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", "$comment", "$defs", "definitions",
    "contentMediaType", "contentEncoding", "contentSchema", "media",
    // OpenAPI and Swagger
    "discriminator", "example", "externalDocs", "xml", "collectionFormat",
    // Gemini's interface, form generators, NJsonSchema, schemars, jsonschema2pojo, json-schema-to-typescript
    "propertyOrdering", "propertyOrder", "enumNames", "enumDescriptions", "enumTitles", "enumVarnames",
    "enumLabels", "typeName", "javaType", "javaName", "javaInterfaces", "javaEnumNames", "javaEnums",
    "existingJavaType", "extendsJavaClass", "tsType", "tsEnumNames", "goType", "examplesDescription",
    // Editors
    "markdownDescription", "markdownEnumDescriptions", "markdownDeprecationMessage", "deprecationMessage",
    "enumDeprecationMessages", "defaultSnippets", "errorMessage", "patternErrorMessage", "doNotSuggest",
    "suggestSortText", "completionDetail", "allowComments", "allowTrailingCommas", "editPresentation", "tags",
    "order", "options", "headerTemplate", "links", "unit", "units", "meta", "metadata", "version", "$version",
    "author", "$author", "$license", "$copyright", "$translations", "fileMatch", "since", "scope"};
// And all that begin so.
constexpr std::string_view kAnnotationPrefixes[] = {"x-", "X-", "ui:", "js:", "~", "@", "$$"};

}  // namespace

bool IsAnnotation(std::string_view keyword) {
  if (std::find(std::begin(kAnnotations), std::end(kAnnotations), keyword) != std::end(kAnnotations))
    return true;
  return std::any_of(std::begin(kAnnotationPrefixes), std::end(kAnnotationPrefixes),
                     [keyword](std::string_view prefix) { return keyword.starts_with(prefix); });
}

}  // namespace carat::internal
