"""Names of the application: what `slicer` and `slicer.app` offer in Slicer 5.12 beside slicer-core's MRML classes."""

from __future__ import annotations

from functools import cache

# Modules, objects and functions that the application puts into the package `slicer`.
PACKAGE = frozenset(
    """
    ScriptedLoadableModule app cli dicomDatabase dicomDatabaseDirectorySettingsKey i18n logic mrmlScene moduleNames modules
    packaging parameterNodeWrapper selfTests util testing
    qMRMLCheckableNodeComboBox qMRMLCollapsibleButton qMRMLLayoutManager qMRMLMarkupsROIWidget qMRMLNodeComboBox
    qMRMLSliceControllerWidget qMRMLSliceView qMRMLSliceWidget qMRMLSliderWidget qMRMLSpinBox qMRMLSubjectHierarchyTreeView
    qMRMLThreeDView qMRMLThreeDWidget qMRMLVolumeInfoWidget qMRMLWidget qMRMLWindowLevelWidget
    qSlicerApplication qSlicerCoreApplication qSlicerFileDialog qSlicerFileReader qSlicerFileWriter qSlicerIOManager
    qSlicerLayoutManager qSlicerMarkupsPlaceWidget qSlicerModuleManager qSlicerScriptedLoadableModule
    qSlicerScriptedLoadableModuleWidget qSlicerWebWidget qSlicerWidget
    """.split()
)

# qSlicerCoreApplication.h and qSlicerApplication.h: properties, invokables, slots and signals, beside QApplication's.
APPLICATION = frozenset(
    """
    slicerHome defaultScenePath slicerSharePath temporaryPath cachePath startupWorkingPath launcherExecutableFilePath
    launcherSettingsFilePath slicerDefaultSettingsFilePath slicerUserSettingsFilePath slicerRevisionUserSettingsFilePath
    extensionsInstallPath intDir isInstalled releaseType repositoryUrl repositoryBranch repositoryRevision revision
    majorVersion minorVersion applicationLocale applicationLocaleName documentationBaseUrl documentationVersion
    documentationLanguage platform arch os isCustomMainApplication mainApplicationName mainApplicationDisplayName
    mainApplicationRevision isUsageLoggingSupported startupEnvironment environment setEnvironmentVariable mrmlScene
    applicationLogic moduleLogic moduleManager coreIOManager defaultSettings userSettings settings revisionUserSettings
    dicomDatabase moduleDocumentationUrl toSlicerHomeAbsolutePath toSlicerHomeRelativePath logUsageEvent errorLogModel
    extensionsManagerModel restart commandOptions coreCommandOptions ioManager pythonManager pythonConsole layoutManager
    settingsDialog openSettingsDialog createDICOMBrowserForMainDatabase openNodeModule confirmRestart setRenderPaused
    pauseRender resumeRender loadFiles startupCompleted mrmlSceneChanged testingEnabled exit
    """.split()
)


@cache
def package() -> frozenset[str]:
    """Every name of the package `slicer`: the application's, and those of slicer-core's MRML and logics."""
    import slicer_core

    wrapped = {name for module in vars(slicer_core).values() for name in dir(module) if name.startswith("vtk")}
    import slicer

    return PACKAGE | wrapped | {name for name in dir(slicer) if name.startswith("vtk")}


@cache
def util() -> frozenset[str]:
    """Every name of slicer.util, which slicer-core ships."""
    import slicer.util

    return frozenset(dir(slicer.util))
