# Languages are declared as the extension's build has them, but nothing is compiled: any program may stand for compiler and make.
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER "${CMAKE_COMMAND}")
  set(CMAKE_${language}_COMPILER_FORCED TRUE)
  set(CMAKE_${language}_COMPILER_ID_RUN TRUE)
  set(CMAKE_${language}_ABI_COMPILED TRUE)
endforeach()
set(CMAKE_MAKE_PROGRAM "${CMAKE_COMMAND}" CACHE FILEPATH "")
