# cmake --install gives: libcarat, its headers, a relocatable CMake package (find_package(carat)) and a pkg-config file.
include(CMakePackageConfigHelpers)
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
# The pkg-config file finds its prefix from where it lies, so that the tree can be moved.
file(RELATIVE_PATH CARAT_PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/carat.pc.in ${PROJECT_BINARY_DIR}/carat.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/carat.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET carat_program)
  install(TARGETS carat_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
