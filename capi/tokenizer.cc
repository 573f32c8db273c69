// The tokenizer and the stream decoder.
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/tokenizer.h"

using carat::DecodeOptions;
using carat::EncodeOptions;
using carat::Result;
using carat::Status;
using carat::Tokenizer;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::InitStruct;
using carat::capi::LendText;
using carat::capi::NewTokenizerHandle;
using carat::capi::TextOf;

namespace carat::capi {

Result<carat_tokenizer*> NewTokenizerHandle(Tokenizer tokenizer) {
  return new carat_tokenizer{std::move(tokenizer)};
}

}  // namespace carat::capi

carat_status carat_encode_options_init(carat_encode_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_decode_options_init(carat_decode_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_tokenizer_load(const char* path, size_t path_size, carat_tokenizer** tokenizer,
                                  carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(tokenizer);
    CARAT_ASSIGN_OR_RETURN(const std::string_view path_text, TextOf(path, path_size, "path"));
    CARAT_ASSIGN_OR_RETURN(Tokenizer loaded, Tokenizer::Load(path_text));
    CARAT_ASSIGN_OR_RETURN(*tokenizer, NewTokenizerHandle(std::move(loaded)));
    return {};
  });
}

carat_status carat_tokenizer_share(const carat_tokenizer* tokenizer, carat_tokenizer** shared,
                                   carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(shared);
    CARAT_RETURN_IF_NULL(tokenizer);
    CARAT_ASSIGN_OR_RETURN(*shared, NewTokenizerHandle(tokenizer->value));
    return {};
  });
}

void carat_tokenizer_free(carat_tokenizer* tokenizer) {
  delete tokenizer;
}

carat_status carat_tokenizer_encode(const carat_tokenizer* tokenizer, const char* text, size_t text_size,
                                    const carat_encode_options* options, carat_tokens** tokens,
                                    carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(tokens);
    CARAT_RETURN_IF_NULL(tokenizer);
    CARAT_ASSIGN_OR_RETURN(const std::string_view input, TextOf(text, text_size, "text"));
    CARAT_ASSIGN_OR_RETURN(const EncodeOptions how, carat::capi::ToEncodeOptions(options));
    CARAT_ASSIGN_OR_RETURN(std::vector<int32_t> ids, tokenizer->value.Encode(input, how));
    CARAT_ASSIGN_OR_RETURN(*tokens, carat::capi::NewTokensHandle(std::move(ids)));
    return {};
  });
}

carat_status carat_tokenizer_decode(const carat_tokenizer* tokenizer, const int32_t* tokens,
                                    size_t token_count, const carat_decode_options* options,
                                    carat_string** text, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(text);
    CARAT_RETURN_IF_NULL(tokenizer);
    CARAT_ASSIGN_OR_RETURN(const std::span<const int32_t> ids, ArrayOf(tokens, token_count, "tokens"));
    CARAT_ASSIGN_OR_RETURN(const DecodeOptions how, carat::capi::ToDecodeOptions(options));
    CARAT_ASSIGN_OR_RETURN(std::string decoded, tokenizer->value.Decode(ids, how));
    *text = new carat_string{std::move(decoded)};
    return {};
  });
}

const char* carat_tokenizer_piece(const carat_tokenizer* tokenizer, int32_t token, size_t* size) {
  return LendText(tokenizer == nullptr ? std::string_view() : tokenizer->value.Piece(token), size);
}

int32_t carat_tokenizer_id_of(const carat_tokenizer* tokenizer, const char* piece, size_t piece_size) {
  if (tokenizer == nullptr || piece == nullptr) return -1;
  return tokenizer->value.IdOf(std::string_view(piece, piece_size)).value_or(-1);
}

int32_t carat_tokenizer_is_special(const carat_tokenizer* tokenizer, int32_t token) {
  return tokenizer != nullptr && tokenizer->value.IsSpecial(token) ? 1 : 0;
}

int32_t carat_tokenizer_vocabulary_size(const carat_tokenizer* tokenizer) {
  return tokenizer == nullptr ? 0 : tokenizer->value.vocabulary_size();
}

int32_t carat_tokenizer_bos(const carat_tokenizer* tokenizer) {
  return tokenizer == nullptr ? -1 : tokenizer->value.bos().value_or(-1);
}

carat_status carat_stream_decoder_new(const carat_tokenizer* tokenizer, const carat_decode_options* options,
                                      carat_stream_decoder** decoder, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(decoder);
    CARAT_RETURN_IF_NULL(tokenizer);
    CARAT_ASSIGN_OR_RETURN(const DecodeOptions how, carat::capi::ToDecodeOptions(options));
    *decoder = new carat_stream_decoder{carat::StreamDecoder(tokenizer->value, how), {}};
    return {};
  });
}

void carat_stream_decoder_free(carat_stream_decoder* decoder) {
  delete decoder;
}

carat_status carat_stream_decoder_next(carat_stream_decoder* decoder, int32_t token, const char** text,
                                       size_t* text_size, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(text);
    CARAT_RETURN_IF_NULL(decoder);
    CARAT_ASSIGN_OR_RETURN(decoder->text, decoder->value.Next(token));
    *text = LendText(decoder->text, text_size);
    return {};
  });
}

carat_status carat_stream_decoder_finish(carat_stream_decoder* decoder, const char** text, size_t* text_size,
                                         carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(text);
    CARAT_RETURN_IF_NULL(decoder);
    decoder->text = decoder->value.Finish();
    *text = LendText(decoder->text, text_size);
    return {};
  });
}
