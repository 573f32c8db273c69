# cmake --install gives: the libraries, their headers, the program, a relocatable CMake package (find_package(carat)) and pkg-config files.
include(CMakePackageConfigHelpers)
# Libraries and program find libcarat from where they lie, so that the tree can be moved and needs no LD_LIBRARY_PATH.
file(RELATIVE_PATH CARAT_LIBRARIES_FROM_PROGRAMS /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
foreach(target carat carat_media)
  if(TARGET ${target})
    set_property(TARGET ${target} PROPERTY INSTALL_RPATH "$ORIGIN")
  endif()
endforeach()
if(TARGET carat_program)
  set_property(TARGET carat_program PROPERTY INSTALL_RPATH "$ORIGIN/${CARAT_LIBRARIES_FROM_PROGRAMS}")
endif()
install(TARGETS carat EXPORT caratTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/carat DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES capi/carat.h capi/carat_media.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT caratTargets NAMESPACE carat:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/carat)
configure_package_config_file(cmake/caratConfig.cmake.in ${PROJECT_BINARY_DIR}/caratConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/carat)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/caratConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/caratConfig.cmake ${PROJECT_BINARY_DIR}/caratConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/carat)
# A pkg-config file finds its prefix from where it lies, so that the tree can be moved.
file(RELATIVE_PATH CARAT_PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/carat.pc.in ${PROJECT_BINARY_DIR}/carat.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/carat.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET carat_media)
  configure_file(cmake/carat_media.pc.in ${PROJECT_BINARY_DIR}/carat_media.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/carat_media.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
if(TARGET carat_program)
  install(TARGETS carat_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
