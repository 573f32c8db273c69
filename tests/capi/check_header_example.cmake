# The program in the opening comment of carat.h compiles as it stands, and runs.
file(MAKE_DIRECTORY ${WORK})
file(READ ${HEADER} text)
string(REGEX MATCH "\n//     #include <carat\\.h>.*\n//     }\n" example "${text}")
# The first program only: it ends where the comment's prose goes on.
string(FIND "${example}" "\n//\n// " end)
string(SUBSTRING "${example}" 0 ${end} example)
string(REGEX REPLACE "\n//     " "\n" example "${example}")
string(REGEX REPLACE "\n//\n" "\n\n" example "${example}")
if(NOT example MATCHES "int main")
  message(FATAL_ERROR "${HEADER} has no example")
endif()
file(WRITE ${WORK}/example.c "${example}\n")

get_filename_component(include ${HEADER} DIRECTORY)
get_filename_component(folder ${LIBRARY} DIRECTORY)
execute_process(COMMAND ${CC} -std=c11 -pedantic -Wall -Wextra -Werror -I${include} ${WORK}/example.c ${LIBRARY}
                        -Wl,-rpath,${folder} -o ${WORK}/example
                RESULT_VARIABLE failed ERROR_VARIABLE message)
if(failed)
  message(FATAL_ERROR "the example of ${HEADER} does not compile:\n${message}")
endif()
execute_process(COMMAND ${WORK}/example ${MODEL} "And it came to pass" RESULT_VARIABLE failed
                OUTPUT_VARIABLE output ERROR_VARIABLE message)
string(LENGTH "${output}" length)
if(failed OR length LESS 10)
  message(FATAL_ERROR "the example of ${HEADER} failed (${failed}), wrote '${output}' and said: ${message}")
endif()
execute_process(COMMAND ${WORK}/example /nowhere x RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE message)
if(NOT failed EQUAL 1 OR NOT message MATCHES "/nowhere")
  message(FATAL_ERROR "a missing model must be an error that names it, not '${message}'")
endif()
