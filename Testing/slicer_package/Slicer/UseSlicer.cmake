set(EXTENSION_NAME ${PROJECT_NAME})

# SCRIPTS and RESOURCES keep their folders below the install directory; what does not exist, or is no keyword, is an error.
macro(ctkMacroCompilePythonScript)
  cmake_parse_arguments(MY "GLOBAL_TARGET;NO_INSTALL_SUBDIR" "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords given to ctkMacroCompilePythonScript(): \"${MY_UNPARSED_ARGUMENTS}\"")
  endif()
  foreach(name TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT MY_${name})
      message(FATAL_ERROR "ctkMacroCompilePythonScript: ${name} is mandatory")
    endif()
  endforeach()
  foreach(file ${MY_SCRIPTS} ${MY_RESOURCES})
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${MY_TARGET_NAME}: there is no file '${file}'")
    endif()
    if(file MATCHES "\\.\\./")
      message(FATAL_ERROR "${MY_TARGET_NAME}: '${file}' would land outside of the install directory")
    endif()
    get_filename_component(folder "${file}" DIRECTORY)
    install(FILES "${file}" DESTINATION "${MY_INSTALL_DIR}/${folder}")
  endforeach()
  foreach(file ${MY_SCRIPTS})
    if(NOT file MATCHES "\\.py$")
      message(FATAL_ERROR "${MY_TARGET_NAME}: '${file}' is no script")
    endif()
  endforeach()
  add_custom_target(Copy${MY_TARGET_NAME}PythonFiles ALL)
endmacro()

macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords given to slicerMacroBuildScriptedModule(): \"${MODULE_UNPARSED_ARGUMENTS}\"")
  endif()
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${MODULE_NAME}.py")
    message(FATAL_ERROR "there is no module '${MODULE_NAME}'")
  endif()
  ctkMacroCompilePythonScript(
    TARGET_NAME ${MODULE_NAME}
    SCRIPTS ${MODULE_SCRIPTS}
    RESOURCES ${MODULE_RESOURCES}
    DESTINATION_DIR ${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}
    INSTALL_DIR ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}
    NO_INSTALL_SUBDIR
    )
endmacro()

function(slicer_add_python_unittest)
  cmake_parse_arguments(TEST "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  if(TEST_UNPARSED_ARGUMENTS OR NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${TEST_SCRIPT}")
    message(FATAL_ERROR "slicer_add_python_unittest: '${TEST_SCRIPT}' '${TEST_UNPARSED_ARGUMENTS}'")
  endif()
endfunction()
