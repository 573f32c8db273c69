# carat_confine(NAME ENTRIES functions... LIBRARIES names...): the static library NAME, which holds what ENTRIES need of Debian's
# static LIBRARIES. Their calls of malloc, calloc, realloc and free become calls of carat_confined_malloc and so on
# (confined_memory.h says why).
function(carat_confine name)
  cmake_parse_arguments(CONFINE "" "" "ENTRIES;LIBRARIES" ${ARGN})
  set(archives "")
  foreach(library IN LISTS CONFINE_LIBRARIES)
    find_library(CARAT_STATIC_${library} lib${library}.a REQUIRED)
    list(APPEND archives ${CARAT_STATIC_${library}})
  endforeach()
  set(wanted "")
  foreach(entry IN LISTS CONFINE_ENTRIES)
    list(APPEND wanted -u ${entry})
  endforeach()
  set(renamed "")
  foreach(function malloc calloc realloc free)
    list(APPEND renamed --redefine-sym ${function}=carat_confined_${function})
  endforeach()
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  set(archive ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.a)
  add_custom_command(
    OUTPUT ${archive}
    COMMAND ${CMAKE_LINKER} -r ${wanted} -o ${object} --start-group ${archives} --end-group
    COMMAND ${CMAKE_OBJCOPY} ${renamed} ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} qc ${archive} ${object}
    COMMAND ${CMAKE_RANLIB} ${archive}
    DEPENDS ${archives}
    COMMENT "Confining the memory of ${CONFINE_LIBRARIES}"
    VERBATIM)
  add_custom_target(${name}_archive DEPENDS ${archive})
  add_library(${name} STATIC IMPORTED GLOBAL)
  add_dependencies(${name} ${name}_archive)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${archive})
  # Hidden: a host may use the same decoders itself.
  target_link_options(${name} INTERFACE -Wl,--exclude-libs,lib${name}.a)
endfunction()
