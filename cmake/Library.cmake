# The rooms meet here: libcarat, the shared library that a host links, and carat_internal, the same objects as a
# static library with nothing hidden, for tests and benchmarks only.
get_property(rooms GLOBAL PROPERTY CARAT_ROOMS)
get_property(depends GLOBAL PROPERTY CARAT_DEPENDS)
list(REMOVE_DUPLICATES depends)

set(objects "")
foreach(room IN LISTS rooms)
  list(APPEND objects $<TARGET_OBJECTS:${room}>)
endforeach()

add_library(carat SHARED ${objects})
add_library(carat::carat ALIAS carat)
set_target_properties(carat PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE CXX)
target_link_libraries(carat PRIVATE carat_options ${depends})
target_include_directories(carat INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/capi>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(carat INTERFACE cxx_std_20)
if(NOT CARAT_SANITIZE)
  target_link_options(carat PRIVATE -Wl,--no-undefined -Wl,--version-script=${PROJECT_SOURCE_DIR}/capi/carat.map)
  set_target_properties(carat PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/capi/carat.map)
endif()

add_library(carat_internal STATIC EXCLUDE_FROM_ALL ${objects})
target_link_libraries(carat_internal PUBLIC ${depends} PRIVATE carat_options)
target_include_directories(carat_internal INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
                           ${PROJECT_SOURCE_DIR}/capi)
