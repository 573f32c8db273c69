// The public precisions as the one that kernels know.
#ifndef CARAT_LIB_RUNTIME_PRECISION_H_
#define CARAT_LIB_RUNTIME_PRECISION_H_

#include "carat/media.h"
#include "carat/model.h"
#include "carat/status.h"
#include "lib/kernels/matmul.h"

namespace carat::internal {

// Errors: INVALID_ARGUMENT for a value that is none of the enumeration.
Result<MatMulPrecision> InternalPrecision(Precision precision);
Result<MatMulPrecision> InternalPrecision(TowerPrecision precision);

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_PRECISION_H_
