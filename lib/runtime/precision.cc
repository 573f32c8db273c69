#include "lib/runtime/precision.h"

#include "lib/base/error.h"

namespace carat::internal {

Result<MatMulPrecision> InternalPrecision(Precision precision) {
  switch (precision) {
    case Precision::kAuto:
      return MatMulPrecision::kAuto;
    case Precision::kFloat32:
      return MatMulPrecision::kFloat32;
    case Precision::kBFloat16:
      return MatMulPrecision::kBf16;
  }
  return InvalidArgument("precision is %d, which is none of the enumeration", static_cast<int>(precision));
}

Result<MatMulPrecision> InternalPrecision(TowerPrecision precision) {
  switch (precision) {
    case TowerPrecision::kAuto:
      return MatMulPrecision::kAuto;
    case TowerPrecision::kFloat32:
      return MatMulPrecision::kFloat32;
  }
  return InvalidArgument("precision is %d, which is none of the enumeration", static_cast<int>(precision));
}

}  // namespace carat::internal
