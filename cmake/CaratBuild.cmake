# Functions that every room's CMakeLists.txt uses.

# Compile options of carat's own code.
add_library(carat_options INTERFACE)
target_compile_options(carat_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)
if(CARAT_WARNINGS_AS_ERRORS)
  target_compile_options(carat_options INTERFACE -Werror)
endif()
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # Where every processor can fuse a product with a sum, the compiler would wherever it likes; results are to be those of x86-64,
  # for which it cannot.
  target_compile_options(carat_options INTERFACE -ffp-contract=off)
endif()
if(CARAT_SANITIZE)
  target_compile_options(carat_options INTERFACE -fsanitize=${CARAT_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(carat_options INTERFACE -fsanitize=${CARAT_SANITIZE})
endif()
target_include_directories(carat_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)

# carat_room(NAME SOURCES... [DEPENDS targets...]): one room of lib/ as an object library carat_room_NAME.
# DEPENDS are third-party targets; rooms see each other through headers alone and meet in the library.
function(carat_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(carat_room_${name} OBJECT ${ROOM_SOURCES})
  target_compile_definitions(carat_room_${name} PRIVATE CARAT_BUILDING)
  target_link_libraries(carat_room_${name} PRIVATE carat_options ${ROOM_DEPENDS})
  set_property(GLOBAL APPEND PROPERTY CARAT_ROOMS carat_room_${name})
  set_property(GLOBAL APPEND PROPERTY CARAT_DEPENDS ${ROOM_DEPENDS})
endfunction()

# carat_test(NAME SOURCES... [DEPENDS...] [ARGS...]): a GoogleTest program tests/NAME that sees the inside of lib/.
function(carat_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS;ARGS" ${ARGN})
  add_executable(test_${name} ${TEST_SOURCES})
  target_link_libraries(test_${name} PRIVATE carat_internal carat_options GTest::gtest_main ${TEST_DEPENDS})
  # Test code is compiled often and run once; and ASSERT_* in an if without braces is fine.
  target_compile_options(test_${name} PRIVATE -O1 -Wno-dangling-else)
  target_compile_definitions(test_${name} PRIVATE
    CARAT_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/golden/models"
    CARAT_DEMO_MODEL="${PROJECT_SOURCE_DIR}/examples/demo-model/checkpoint")
  add_test(NAME ${name} COMMAND test_${name} ${TEST_ARGS})
endfunction()
