// carat/all.h: everything a host may include, in one.
//
//   #include <carat/all.h>
//
// Since 0.1.
#ifndef CARAT_ALL_H_
#define CARAT_ALL_H_

#include "carat/chat.h"
#include "carat/conversation.h"
#include "carat/generation.h"
#include "carat/grammar.h"
#include "carat/media.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/quantize.h"
#include "carat/sampler.h"
#include "carat/session.h"
#include "carat/status.h"
#include "carat/tokenizer.h"
#include "carat/version.h"

#endif  // CARAT_ALL_H_
