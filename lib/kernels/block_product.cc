#include "lib/kernels/block_product.h"

#include <dnnl.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <new>

#include "lib/base/cpu.h"
#include "lib/base/error.h"
#include "lib/kernels/bf16_kernels.h"
#include "lib/kernels/one_thread.h"

namespace carat::internal {
namespace {

using dnnl::memory;

StatusCode CodeOf(dnnl_status_t status) {
  if (status == dnnl_success) return StatusCode::kOk;
  if (status == dnnl_out_of_memory) return StatusCode::kResourceExhausted;
  return status == dnnl_unimplemented ? StatusCode::kUnimplemented : StatusCode::kInternal;
}

// The matrix library's C++ interface throws; nothing of that leaves this file.
template <typename F>
StatusCode Catch(F&& f) noexcept {
  try {
    f();
    return StatusCode::kOk;
  } catch (const dnnl::error& e) {
    return CodeOf(e.status);
  } catch (const std::bad_alloc&) {
    return StatusCode::kResourceExhausted;
  } catch (...) {
    return StatusCode::kInternal;
  }
}

// Consecutive values of w along the longer side of its layout.
std::int64_t StoredRows(const BlockShape& s) {
  return s.w_transposed ? s.cols : s.outputs;
}
std::int64_t StoredCols(const BlockShape& s) {
  return s.w_transposed ? s.outputs : s.cols;
}

float LoadAt(const void* data, NumberFormat format, std::int64_t index) {
  return LoadValue(static_cast<const std::byte*>(data), format, static_cast<std::size_t>(index));
}

void RunPlain(const BlockShape& s, NumberFormat format, const void* x, const void* w, float* y) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    for (std::int64_t n = 0; n < s.outputs; ++n) {
      double sum = s.accumulate ? static_cast<double>(y[r * s.y_stride + n]) : 0.0;
      for (std::int64_t k = 0; k < s.cols; ++k) {
        const std::int64_t at = s.w_transposed ? k * s.w_stride + n : n * s.w_stride + k;
        sum += static_cast<double>(LoadAt(x, format, r * s.x_stride + k)) *
               static_cast<double>(LoadAt(w, format, at));
      }
      y[r * s.y_stride + n] = static_cast<float>(sum);
    }
  }
}

StatusCode RunLibrary(const BlockShape& s, const float* x, std::int64_t x_stride, const float* w,
                      std::int64_t w_stride, float* y) {
  const OneThread one_thread;
  return CodeOf(dnnl_sgemm('N', s.w_transposed ? 'N' : 'T', s.rows, s.outputs, s.cols, 1.0f, x, x_stride, w,
                           w_stride, s.accumulate ? 1.0f : 0.0f, y, s.y_stride));
}

// bf16 rows to float32 ones without gaps.
void WidenRows(const void* from, std::int64_t rows, std::int64_t cols, std::int64_t stride, float* to) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < cols; ++i)
      to[r * cols + i] = LoadAt(from, NumberFormat::kBF16, r * stride + i);
  }
}

std::size_t Floats(std::int64_t rows, std::int64_t cols) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * sizeof(float);
}

memory::data_type DataType(NumberFormat format) {
  return format == NumberFormat::kF32 ? memory::data_type::f32 : memory::data_type::bf16;
}

void* Writable(const void* data) {
  return const_cast<void*>(data);  // the library's memory objects know no const; x and w are only read
}

dnnl::primitive_attr Attributes(bool accumulate) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  return attributes;
}

dnnl::matmul::primitive_desc Describe(const dnnl::engine& engine, const memory::desc& x,
                                      const memory::desc& w, const memory::desc& y, bool accumulate) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, x, w, y, Attributes(accumulate)};
#else
  return {dnnl::matmul::desc(x, w, y), Attributes(accumulate), engine};
#endif
}

}  // namespace

// A primitive for the product and one that packs w into the layout that the first asked for.
struct BlockProduct::Primitive {
  // `packed` is the layout of w, or null to let the library choose.
  Primitive(NumberFormat format, const BlockShape& s, const memory::desc* packed)
      : engine(dnnl::engine::kind::cpu, 0),
        x({s.rows, s.cols}, DataType(format), memory::dims{s.x_stride, 1}),
        w_source({s.cols, s.outputs}, DataType(format),
                 s.w_transposed ? memory::dims{s.w_stride, 1} : memory::dims{1, s.w_stride}),
        y({s.rows, s.outputs}, memory::data_type::f32, memory::dims{s.y_stride, 1}) {
    const memory::desc any({s.cols, s.outputs}, DataType(format), memory::format_tag::any);
    const auto product = Describe(engine, x, packed == nullptr ? any : *packed, y, s.accumulate);
    w = product.weights_desc();
    const dnnl::reorder::primitive_desc packing(engine, w_source, engine, w, Attributes(false));
    scratch = product.scratchpad_desc();
    packing_scratch = packing.scratchpad_desc();
    multiply = dnnl::matmul(product);
    pack = dnnl::reorder(packing);
  }

  dnnl::engine engine;
  memory::desc x, w_source, y, w, scratch, packing_scratch;
  dnnl::matmul multiply;
  dnnl::reorder pack;
};

bool ProcessorHasDotPairs() noexcept {
  return Avx512Bf16Kernels() != nullptr && CpuSupports(InstructionSet::kAvx512Bf16);
}

Result<BlockProduct> BlockProduct::Create(BlockMethod method, NumberFormat format, const BlockShape& shape) {
  const bool bf16 = format == NumberFormat::kBF16;
  const bool needs_bf16 = method == BlockMethod::kWidened || method == BlockMethod::kDotPairs;
  if ((method == BlockMethod::kLibrary && bf16) || (needs_bf16 && !bf16)) {
    return Unimplemented("there are no such products of %s blocks", std::string(NumberFormatName(format)));
  }
  if (method == BlockMethod::kDotPairs && !ProcessorHasDotPairs())
    return Unimplemented("this processor or this build of carat has no bf16 dot products");
  BlockProduct product;
  product.method_ = method;
  product.format_ = format;
  product.shape_ = shape;
  if (method == BlockMethod::kWidened) {
    product.packed_bytes_ = Floats(shape.outputs, shape.cols);
    product.scratch_bytes_ = Floats(shape.rows, shape.cols);
  }
  if (method == BlockMethod::kDotPairs) product.packed_bytes_ = Bf16PackedBytes(shape.outputs, shape.cols);
  if (method == BlockMethod::kPrimitive) return product.WithRows(shape.rows);
  return product;
}

Result<BlockProduct> BlockProduct::WithRows(std::int64_t rows) const {
  BlockProduct product = *this;
  product.shape_.rows = rows;
  if (method_ == BlockMethod::kWidened) product.scratch_bytes_ = Floats(rows, shape_.cols);
  if (method_ != BlockMethod::kPrimitive) return product;
  const StatusCode code = Catch([&] {
    const OneThread one_thread;
    const memory::desc* packed = primitive_ == nullptr ? nullptr : &primitive_->w;
    product.primitive_ = std::make_shared<const Primitive>(format_, product.shape_, packed);
    product.packed_bytes_ = product.primitive_->w.get_size();
    product.scratch_bytes_ =
        std::max(product.primitive_->scratch.get_size(), product.primitive_->packing_scratch.get_size());
  });
  if (code == StatusCode::kOk) return product;
  return Status(code,
                absl::StrFormat("the matrix library has no product of %s blocks, %d x %d by %d",
                                std::string(NumberFormatName(format_)), rows, shape_.cols, shape_.outputs));
}

StatusCode BlockProduct::Pack(const void* w, void* packed, void* scratch) const noexcept {
  if (method_ == BlockMethod::kWidened) {
    WidenRows(w, StoredRows(shape_), StoredCols(shape_), shape_.w_stride, static_cast<float*>(packed));
    return StatusCode::kOk;
  }
  if (method_ == BlockMethod::kDotPairs) {
    Avx512Bf16Kernels()->pack(static_cast<const std::byte*>(w), shape_.w_stride, shape_.outputs, shape_.cols,
                              shape_.w_transposed, static_cast<std::byte*>(packed));
    return StatusCode::kOk;
  }
  if (method_ != BlockMethod::kPrimitive) return StatusCode::kOk;
  return Catch([&] {
    const OneThread one_thread;
    const Primitive& p = *primitive_;
    dnnl::stream stream(p.engine);
    p.pack.execute(stream, {{DNNL_ARG_FROM, memory(p.w_source, p.engine, Writable(w))},
                            {DNNL_ARG_TO, memory(p.w, p.engine, packed)},
                            {DNNL_ARG_SCRATCHPAD, memory(p.packing_scratch, p.engine, scratch)}});
    stream.wait();
  });
}

StatusCode BlockProduct::Run(const void* x, const void* w, float* y, void* scratch) const noexcept {
  switch (method_) {
    case BlockMethod::kPlain:
      RunPlain(shape_, format_, x, w, y);
      return StatusCode::kOk;
    case BlockMethod::kLibrary:
      return RunLibrary(shape_, static_cast<const float*>(x), shape_.x_stride, static_cast<const float*>(w),
                        shape_.w_stride, y);
    case BlockMethod::kWidened:
      WidenRows(x, shape_.rows, shape_.cols, shape_.x_stride, static_cast<float*>(scratch));
      return RunLibrary(shape_, static_cast<const float*>(scratch), shape_.cols, static_cast<const float*>(w),
                        StoredCols(shape_), y);
    case BlockMethod::kDotPairs:
      Avx512Bf16Kernels()->packed_product(static_cast<const std::uint16_t*>(x), shape_.x_stride, shape_.rows,
                                          static_cast<const std::byte*>(w), shape_.cols, shape_.outputs, y,
                                          shape_.y_stride, shape_.accumulate);
      return StatusCode::kOk;
    case BlockMethod::kPrimitive:
      break;
  }
  return Catch([&] {
    const OneThread one_thread;
    const Primitive& p = *primitive_;
    dnnl::stream stream(p.engine);
    p.multiply.execute(stream, {{DNNL_ARG_SRC, memory(p.x, p.engine, Writable(x))},
                                {DNNL_ARG_WEIGHTS, memory(p.w, p.engine, Writable(w))},
                                {DNNL_ARG_DST, memory(p.y, p.engine, y)},
                                {DNNL_ARG_SCRATCHPAD, memory(p.scratch, p.engine, scratch)}});
    stream.wait();
  });
}

}  // namespace carat::internal
