import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Posts each file of a folder with Java's default client: PushOrders URL KEY FOLDER. */
public class PushOrders {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        Path[] bodies;
        try (var found = Files.list(Path.of(args[2]))) {
            bodies = found.sorted().toArray(Path[]::new);
        }
        for (Path body : bodies) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(args[0]))
                .header("X-API-Key", args[1])
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofFile(body))
                .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body());
        }
    }
}
