package intuitor.recipe;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Makes a component of a settings record a key of its YAML recipe and a flag of its command. The name follows from the
 * component's: {@code numGenerations} is {@code num_generations} in the file and {@code --num-generations} in the
 * shell.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Key {

    /** What it does, in one line, for {@code --help}. */
    String help();

    /** The default, written as in YAML; empty: none, and the component is null where the recipe leaves it out. */
    String value() default "";

    /** Interval of the numbers that make sense, for instance {@code "(0, 1]"}; empty: any number. */
    String range() default "";

    /** Whether a recipe without this key is refused. */
    boolean required() default false;

    /**
     * What has to be set for this key to do anything: the name of another key, or {@code "name: value"}, where the
     * other one is to have that value or, if it is a list, that item. A flag that would do nothing is refused; a recipe
     * may keep its key for another day.
     */
    String needs() default "";
}
