plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
    id("org.jetbrains.kotlin.plugin.compose")
}

android {
    namespace = "gohub.sample"
    compileSdk = 35
    defaultConfig {
        applicationId = "gohub.sample"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "1"
    }
    buildFeatures { compose = true }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin { jvmToolchain(17) }

dependencies {
    // Gradle chooses OkHttp's Android variant; the one for the JVM does not know Android's network security.
    implementation("gohub:gohub-client:0.1.0") { exclude("com.squareup.okhttp3", "okhttp-jvm") }
    implementation("com.squareup.okhttp3:okhttp:5.5.1")
    implementation(platform("androidx.compose:compose-bom:2025.04.00"))
    implementation("androidx.compose.material3:material3")
    implementation("androidx.activity:activity-compose:1.10.1")
    implementation("androidx.lifecycle:lifecycle-viewmodel-compose:2.8.7")
    implementation("androidx.lifecycle:lifecycle-runtime-compose:2.8.7")
}
