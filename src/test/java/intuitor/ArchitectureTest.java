package intuitor;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.List;

/** The plan of the house: which room may know which. docs/architecture.md says the same in words. */
@AnalyzeClasses(packages = "intuitor", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    /** From the top down: a room uses the rooms below it, never one above. Rooms on one line are neighbours. */
    private static final List<List<String>> FLOORS = List.of(
            List.of("cli"),
            List.of("experiment"),
            List.of("train", "bench"),
            List.of("monitor"),
            List.of("report"),
            List.of("reward"),
            List.of("eval"),
            List.of("rollout"),
            List.of("model"),
            List.of("optim"),
            List.of("checkpoint"),
            List.of("text", "data"),
            List.of("device"),
            List.of("recipe"));

    @ArchTest
    static void arrowsPointDown(JavaClasses classes) {
        LayeredArchitecture house = layeredArchitecture().consideringOnlyDependenciesInLayers();
        for (List<String> floor : FLOORS) {
            String[] packages = floor.stream().map(room -> "intuitor." + room + "..").toArray(String[]::new);
            house = house.optionalLayer(name(floor)).definedBy(packages);
        }
        for (int i = 0; i < FLOORS.size(); i++) {
            String[] above = FLOORS.subList(0, i).stream().map(ArchitectureTest::name).toArray(String[]::new);
            house = i == 0
                    ? house.whereLayer(name(FLOORS.get(i))).mayNotBeAccessedByAnyLayer()
                    : house.whereLayer(name(FLOORS.get(i))).mayOnlyBeAccessedByLayers(above);
        }
        house.check(classes);
    }

    @ArchTest
    static void noRoomsInACircle(JavaClasses classes) {
        slices().matching("intuitor.(*)..").should().beFreeOfCycles().check(classes);
    }

    @ArchTest
    static void everyRoomIsOnThePlan(JavaClasses classes) {
        String[] rooms = FLOORS.stream().flatMap(List::stream).map(room -> "intuitor." + room + "..")
                .toArray(String[]::new);
        noClasses().that().resideOutsideOfPackage("intuitor")
                .should().resideOutsideOfPackages(rooms).check(classes);
    }

    @ArchTest
    static void onlyTheDeviceTouchesForeignMemory(JavaClasses classes) {
        noClasses().that().resideOutsideOfPackage("intuitor.device..")
                .should().dependOnClassesThat().resideInAPackage("java.lang.foreign..").check(classes);
    }

    private static String name(List<String> floor) {
        return String.join(", ", floor);
    }
}
