# Sourced by mvnw, intuitor and .ci/run.
#
# find_jdk TOOL (java or javac) prints the folder of a JDK of Java 22 or newer that has this tool: the one that
# INTUITOR_JAVA_HOME names, if it is set, else the newest of JAVA_HOME, the usual folders and the java on PATH. Prints
# nothing and fails where there is none. (intuitor.Launcher searches the same places, for those who start the jar.)

needed_java=22
jdk_hint="install a JDK of Java $needed_java or newer (25 is best; packages: adoptium.net, or your distribution's openjdk-25-jdk), \
and set INTUITOR_JAVA_HOME to its folder if it lies in an unusual place"

# Feature version of the JDK in folder $1 from its release file, 0 if it is none or has no tool $2.
jdk_version() {
    version=0
    if [ -x "$1/bin/$2" ] && [ -r "$1/release" ]; then
        version=$(sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9]*\).*/\1/p' "$1/release" | head -n 1)
    fi
    echo "${version:-0}"
}

find_jdk() {
    if [ -n "${INTUITOR_JAVA_HOME:-}" ]; then
        [ "$(jdk_version "$INTUITOR_JAVA_HOME" "$1")" -ge "$needed_java" ] && echo "$INTUITOR_JAVA_HOME"
        return
    fi
    best= best_version=$((needed_java - 1))
    on_path=$(command -v java 2>/dev/null) && on_path=$(readlink -f "$on_path") && on_path=${on_path%/bin/java}
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /usr/java/* /opt/* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* \
            "${on_path:-}"; do
        [ -n "$home" ] || continue
        version=$(jdk_version "$home" "$1")
        if [ "$version" -gt "$best_version" ]; then
            best=$home best_version=$version
        fi
    done
    [ -n "$best" ] && echo "$best"
}

# The heap holds no tensors: a small one that is collected serially leaves the memory to the model. What the compilers
# have freed (about 15 MiB) goes back to the system twice a second.
java_options="-XX:+UseSerialGC -XX:MaxNewSize=4m -XX:TrimNativeHeapInterval=500"
