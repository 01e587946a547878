import com.standardwebhooks.Webhook;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Verifies deliveries with the official Standard Webhooks library for Java; see ../README.md for the lines it reads and prints. */
final class Receiver {
  private static String outcome(String line) {
    String[] fields = line.split("\t", 5);
    if (fields.length != 5) return "refused: a line has five fields";
    HttpHeaders headers =
        HttpHeaders.of(
            Map.of(
                "webhook-id", List.of(fields[1]),
                "webhook-timestamp", List.of(fields[2]),
                "webhook-signature", List.of(fields[3])),
            (name, value) -> true);
    try {
      new Webhook(fields[0]).verify(fields[4], headers);
      return "verified";
    } catch (Exception error) { // whatever the library says is what the test looks at
      return "refused: " + error.getMessage();
    }
  }

  public static void main(String[] arguments) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) System.out.println(outcome(line));
  }
}
